/** `runnerwatch serve` as a child: reload, stop within five seconds even if a call hangs, log lines, bad settings. */
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { DEMO_FAULTS, FaultSwitch } from '../../src/demo/faults.ts';
import { sendRequest } from '../support/http-client.ts';
import type { ProgramStage } from '../support/program-stage.ts';
import { programStage, QUIET_HOST } from '../support/program-stage.ts';
import type { Program } from '../support/program.ts';
import { runProgram, startProgram } from '../support/program.ts';
import { startDeafServer, startTcpServer } from '../support/tcp-server.ts';
import { until } from '../support/until.ts';

let scene: ProgramStage;
let faults: FaultSwitch;
beforeAll(async () => {
  scene = await programStage();
  faults = new FaultSwitch(scene.stage);
});
afterAll(async () => {
  await scene[Symbol.asyncDispose]();
});

interface Served extends AsyncDisposable {
  readonly program: Program;
  readonly address: string;
}

async function serve(...words: readonly string[]): Promise<Served> {
  const all = ['serve', ...scene.flags, '--web.listen-address=127.0.0.1:0', ...words];
  const program = startProgram(all);
  const [, address = ''] = await program.until(/(http:\/\/127\.0\.0\.1:\d+)/);
  return { program, address, [Symbol.asyncDispose]: () => program[Symbol.asyncDispose]() };
}

/** The exit code after a signal. A program that is not done within its own five seconds ends itself with another. */
async function stopBy({ program }: Served, signal: NodeJS.Signals): Promise<number | null> {
  program.kill(signal);
  return (await program.ended).code;
}

async function post({ address }: Served) {
  return await sendRequest(`${address}/-/reload`, { method: 'POST' });
}

/** A client that has asked and never leaves. */
async function holdConnection(address: string): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port: Number(new URL(address).port) });
  socket.on('error', () => {});
  socket.write('GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\nGET /');
  await once(socket, 'data');
  return socket;
}

/** How often GitLab's port was dialled. */
async function runsOf(address: string): Promise<number> {
  const { text } = await sendRequest(`${address}/metrics`);
  const pattern = /runnerwatch_probe_runs_total\{probe="connect"[^}]*\} (?<count>\d+)/;
  return Number(pattern.exec(text)?.groups?.['count']);
}

test('no command means serve', async () => {
  await using program = startProgram([...scene.flags, '--web.listen-address=127.0.0.1:0']);

  await program.until(/msg=listening .*http:\/\/127\.0\.0\.1:\d+/);
  program.kill('SIGTERM');
  expect((await program.ended).code).toBe(0);
});

describe('it stops within five seconds', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('at %s', async (signal) => {
    await using served = await serve();
    await served.program.until(/verdict changed.*to=healthy/);

    expect(await stopBy(served, signal)).toBe(0);
  });

  test('while GitLab’s port drops what comes, and a client holds its connection', async () => {
    await using deaf = await startDeafServer();
    const config = scene.stage.goodConfig.replaceAll(
      `:${scene.stage.gitlab.port}/`,
      `:${deaf.port}/`,
    );
    await scene.stage.writeConfig(config);
    await using served = await serve();
    const client = await holdConnection(served.address);

    expect(await stopBy(served, 'SIGTERM')).toBe(0);
    client.destroy();
    await scene.stage.writeConfig(scene.stage.goodConfig);
  });
});

describe('reload', () => {
  test('SIGHUP reads the settings again, and bad ones change nothing but what is said of them', async () => {
    const file = join(scene.folder, 'reload.toml');
    await writeFile(file, `[probes.dns]\ninterval_seconds = 7\n${QUIET_HOST}`);
    await using served = await serve(`--config.file=${file}`);
    const { program, address } = served;
    const interval = async (): Promise<string | undefined> =>
      /runnerwatch_probe_interval_seconds\{probe="dns"[^}]*\} (?<seconds>\d+)/.exec(
        (await sendRequest(`${address}/metrics`)).text,
      )?.groups?.['seconds'];
    await program.until(/verdict changed.*to=healthy/);
    expect(await interval()).toBe('7');

    await writeFile(file, `[probes.dns]\ninterval_seconds = 8\n${QUIET_HOST}`);
    program.kill('SIGHUP');
    await program.until(/settings reloaded/);
    await until(async () => (await interval()) === '8');

    await writeFile(file, '[probes.dns]\ninterval_secnods = 9\n');
    program.kill('SIGHUP');
    await program.until(/settings not reloaded.*reload\.toml:2: .*interval_secnods/);
    await until(async () =>
      (await sendRequest(`${address}/metrics`)).text.includes(
        'runnerwatch_config_last_reload_successful 0\n',
      ),
    );
    expect(await interval()).toBe('8');
    expect((await sendRequest(`${address}/`)).text).toContain('interval_secnods');
  });

  test('SIGHUP applies what it can, and log, metric and page name what needs a restart', async () => {
    const file = join(scene.folder, 'restart.toml');
    const other = join(scene.folder, 'other.toml');
    await writeFile(file, QUIET_HOST);
    await writeFile(
      other,
      scene.stage.goodConfig.replaceAll('[[runners]]', '[[runners]]\nlimit = 7'),
    );
    await using program = startProgram([
      'serve',
      ...scene.flags.filter((flag) => !flag.startsWith('--runner.config')),
      `--config.file=${file}`,
      '--web.enable-lifecycle',
      '--web.listen-address=127.0.0.1:0',
    ]);
    const [, address = ''] = await program.until(/(http:\/\/127\.0\.0\.1:\d+)/);
    const changed = `[log]\nlevel = "debug"\nformat = "json"\n[web]\nlisten_addresses = [":1"]\n[state]\ndirectory = "/x"\n`;
    await writeFile(file, `${QUIET_HOST}\n${changed}[runner]\nconfig = "${other}"\n`);
    const answer = await post({ program, address } as Served);

    // The flags win over the address and the directory in the file, as they did at the start.
    expect(JSON.parse(answer.text)).toEqual({
      reloaded: true,
      needRestart: ['log.format'],
    });
    await program.until(/restart runnerwatch to apply these settings.*log\.format/);
    const text = async (path: string) => (await sendRequest(`${address}${path}`)).text;
    expect(await text('/metrics')).toContain('runnerwatch_config_restart_needed 1\n');
    expect(await text('/')).toMatch(/in effect after a restart[^:]*: log\.format/);
    await until(async () => (await text('/api/v1/report')).includes(other));
  });

  test('POST /-/reload works with the flag only', async () => {
    await using without = await serve();
    await using enabled = await serve('--web.enable-lifecycle');

    expect((await post(without)).status).toBe(404);
    expect((await post(enabled)).status).toBe(200);
  });
});

test('/-/ready is 503 until the first round is complete, then 200', async () => {
  await using deaf = await startDeafServer();
  const config = scene.stage.goodConfig.replaceAll(
    `:${scene.stage.gitlab.port}/`,
    `:${deaf.port}/`,
  );
  await scene.stage.writeConfig(config);
  await using served = await serve();
  const ready = async (): Promise<number> =>
    (await sendRequest(`${served.address}/-/ready`)).status;

  expect(await ready()).toBe(503);
  await scene.stage.writeConfig(scene.stage.goodConfig);
  await until(async () => (await ready()) === 200);
});

function messageOf(line: string): string {
  const { quoted, bare } = /msg=(?:"(?<quoted>[^"]+)"|(?<bare>\S+))/.exec(line)?.groups ?? {};
  return quoted ?? bare ?? '';
}

test('it logs one line for each transition and none for a run', async () => {
  await using served = await serve();
  const { program, address } = served;
  await program.until(/verdict changed.*to=healthy/);
  const fault = DEMO_FAULTS.find(({ id }) => id === 'port-closed');
  await faults.set(fault);
  await program.until(/cause confirmed" cause=tcp-connection-refused/);
  // Three more runs of each link, none of which may write a line.
  const runs = await runsOf(address);
  await until(async () => (await runsOf(address)) > runs + 3);
  await faults.set(undefined);
  await program.until(/cause resolved" cause=tcp-connection-refused[\s\S]*to=healthy/);

  const lines = program.stderr().trim().split('\n');
  const ofCause = lines.filter((line) => line.includes('cause=tcp-connection-refused'));
  expect(ofCause.map(messageOf)).toEqual(['cause appeared', 'cause confirmed', 'cause resolved']);
  // A machine that is busy may add transitions of its own: each is one line, and nothing else is.
  const verdicts = lines
    .map((line) => /from=(\w+) to=(\w+)/.exec(line))
    .filter((one) => one !== null);
  expect(verdicts.filter(([, from, to]) => from === to)).toEqual([]);
  expect(verdicts.slice(1).map(([, from]) => from)).toEqual(
    verdicts.slice(0, -1).map(([, , to]) => to),
  );
  const others = lines.map(messageOf).filter((one) => !/^(?:cause |verdict changed)/.test(one));
  expect(others).toEqual(['listening']);
  expect(lines.every((line) => /^ts=\S+ level=(?:info|warn) msg=/.test(line))).toBe(true);
});

test('--log.format=json writes one JSON object a line', async () => {
  await using served = await serve('--log.format=json');
  await served.program.until(/verdict changed/);

  const lines = served.program.stderr().trim().split('\n');
  expect(lines.map((line) => Object.keys(JSON.parse(line) as object).slice(0, 2))).toEqual(
    lines.map(() => ['level', 'ts']),
  );
});

describe('what cannot start is exit code 1 and one sentence', () => {
  test('bad settings, every problem', async () => {
    const file = join(scene.folder, 'start.toml');
    await writeFile(file, 'a = 1\n[log]\nlevel = "loud"\n');
    const { code, stdout, stderr } = await runProgram(['serve', `--config.file=${file}`]);

    expect([code, stdout]).toEqual([1, '']);
    expect(stderr.trim().split('\n')).toEqual([
      expect.stringContaining(`${file}:1: unknown key "a" at the top`),
      expect.stringContaining(`${file}:3: log.level `),
    ]);
  });

  test('a port in use', async () => {
    await using taken = await startTcpServer();
    const args = ['serve', ...scene.flags, `--web.listen-address=127.0.0.1:${taken.port}`];
    const { code, stderr } = await runProgram(args);

    expect([code, stderr]).toEqual([
      1,
      `runnerwatch: cannot listen on 127.0.0.1:${taken.port}: another program, or another runnerwatch, uses it (EADDRINUSE)\n`,
    ]);
  });

  test('an address that is none', async () => {
    const args = ['serve', ...scene.flags, '--web.listen-address=nonsense'];

    expect(await runProgram(args)).toMatchObject({
      code: 1,
      stderr:
        'runnerwatch: invalid address "nonsense"; expected host:port, [::1]:port, :port or unix:/path\n',
    });
  });
});
