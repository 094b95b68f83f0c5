/** `runnerwatch check` as a child against the stage: exit codes 0 to 3, formats, --runner, --watch. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

import { DEMO_FAULTS, FaultSwitch } from '../../src/demo/faults.ts';
import type { ProgramStage } from '../support/program-stage.ts';
import { programStage, QUIET_HOST } from '../support/program-stage.ts';
import { runProgram, startProgram } from '../support/program.ts';

let scene: ProgramStage;
let faults: FaultSwitch;
beforeAll(async () => {
  scene = await programStage();
  faults = new FaultSwitch(scene.stage);
});
afterEach(async () => {
  await faults.set(undefined);
});
afterAll(async () => {
  await scene[Symbol.asyncDispose]();
});

const faultOf = (id: string) => DEMO_FAULTS.find((fault) => fault.id === id);

async function check(...words: readonly string[]) {
  return await runProgram(['check', ...scene.flags, ...words]);
}

describe('exit codes', () => {
  test('healthy is 0', async () => {
    const { code, stdout, stderr } = await check();

    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^HEALTHY {2}/);
  });

  test('what is critical is 2, with the cause and what to type', async () => {
    await faults.set(faultOf('port-closed'));
    const { code, stdout } = await check();

    expect(code).toBe(2);
    expect(stdout).toMatch(/^BROKEN {2}/);
    expect(stdout).toContain('tcp-connection-refused');
    expect(stdout).toContain('sudo gitlab-ctl status nginx');
  });

  test('what is no more than a warning is 1', async () => {
    await faults.set(faultOf('config-typo'));
    const { code, stdout } = await check();

    expect(code).toBe(1);
    expect(stdout).toMatch(/^DEGRADED {2}/);
  });

  test('what cannot be judged is 3', async () => {
    const settings = join(scene.folder, 'frugal.toml');
    await writeFile(settings, `[gitlab]\nrequests_per_hour = 1\n${QUIET_HOST}`);
    const own = [`--config.file=${settings}`, `--state.directory=${scene.folder}/frugal`];
    const { code, stdout } = await check(...own);

    expect(code).toBe(3);
    expect(stdout).toMatch(/^UNSURE {2}/);
  });

  test('settings that cannot be used are 3, since nothing was checked', async () => {
    const settings = join(scene.folder, 'bad.toml');
    await writeFile(settings, 'nonsense = 1\n');
    const { code, stdout, stderr } = await check(`--config.file=${settings}`);

    expect([code, stdout]).toEqual([3, '']);
    expect(stderr).toContain(`${settings}:1: unknown key "nonsense" at the top`);
  });
});

describe('formats', () => {
  test('json is the report', async () => {
    await faults.set(faultOf('bad-gateway'));
    const { code, stdout } = await check('--format', 'json');

    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({
      schema: 1,
      verdict: 'broken',
      causes: [{ id: 'gitlab-bad-gateway' }],
      runners: [{ name: 'docker-1' }, { name: 'docker-2' }, { name: 'shell-1' }],
    });
  });

  test('nagios is one line with performance data', async () => {
    const { code, stdout } = await check('--format=nagios');

    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^RUNNERWATCH OK - [^|\n]+ \| causes=0;;;0 critical=0;;;0 connected=3;;;0;3 working=3;;;0;3 'dns https:[^']+'=[\d.e-]+s;;;0 [^|\n]+\n$/,
    );
  });
});

describe('--runner', () => {
  test('one entry is judged alone, by name and by short token', async () => {
    await faults.set(faultOf('token-forgotten'));

    const [lost, byToken, fine] = await Promise.all(
      ['docker-1', 'Da1kerDem', 'docker-2'].map((name) => check('--runner', name)),
    );
    expect([lost?.code, byToken?.code, fine?.code]).toEqual([2, 2, 0]);
    expect(lost?.stdout).toContain('token-rejected');
    expect(lost?.stdout).not.toContain('docker-2');
  });

  test('an unknown one is 3 with the names that there are', async () => {
    const { code, stdout, stderr } = await check('--runner=docker-9');

    expect([code, stdout]).toEqual([3, '']);
    expect(stderr).toMatch(
      /^runnerwatch: no runner "docker-9" in \S+; known: docker-1 \(Da1kerDem\), docker-2 \(Db2kerDem\), shell-1 \(Sh1llDemo\)\n$/,
    );
  });
});

describe('--watch', () => {
  test('each change is printed, and it ends when everything is healthy', async () => {
    await faults.set(faultOf('port-closed'));
    await using program = startProgram(['check', '--watch', ...scene.flags]);
    await program.until(/BROKEN {2}[\s\S]*tcp-connection-refused/);
    await faults.set(undefined);
    const { code, stdout } = await program.ended;

    expect(code).toBe(0);
    expect(stdout).toMatch(/HEALTHY {2}[^]*$/);
    expect(stdout).not.toContain('\u001B');
  });

  test('interrupted, it ends with the code of what it saw last', async () => {
    await faults.set(faultOf('port-closed'));
    await using program = startProgram(['check', '--watch', ...scene.flags]);
    await program.until(/BROKEN {2}[\s\S]*tcp-connection-refused/);
    program.kill('SIGINT');

    expect((await program.ended).code).toBe(2);
  });
});

describe('a text for a pipe', () => {
  test('is 80 columns wide, without colour, and has no line that counts', async () => {
    await faults.set(faultOf('port-closed'));
    const { stdout, stderr } = await check();
    const long = stdout.split('\n').filter((line) => line.length > 80 && !/^ {7}\S/.test(line));

    expect(stderr).toBe('');
    expect(long).toEqual([]);
    expect(stdout).not.toContain('\u001B');
  });
});

const showEscapes = (text: string): string => text.replaceAll('\u001B', '␛');

describe('on a terminal', () => {
  test('a line counts while the first round runs, and the report comes in colour', async () => {
    const { code, stdout } = await runProgram(['check', ...scene.flags], { columns: 80 });

    expect(code).toBe(0);
    expect(showEscapes(stdout)).toMatch(
      /starting checks \.\.\.\r␛\[2K\d+ of \d+ checks done \.\.\.[^]*\r␛\[2K␛\[32mHEALTHY/,
    );
  });

  test('--watch draws the report in its place, and ends when everything is healthy', async () => {
    const args = ['check', '--watch', ...scene.flags];
    const { code, stdout } = await runProgram(args, { columns: 80 });

    expect(code).toBe(0);
    expect(showEscapes(stdout)).toMatch(
      /␛\[H␛\[2J[^]*HEALTHY[^]*Watching until everything is healthy/,
    );
  });
});
