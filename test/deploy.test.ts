/** The unit file: systemd accepts it, and the program that it starts is what the documented install gives. */
import { execFile, execFileSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const UNIT = join(ROOT, 'deploy/systemd/runnerwatch.service');
const run = promisify(execFile);

let folder: string;
let built: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runnerwatch-deploy-'));
  built = join(folder, 'opt/runnerwatch');
  await mkdir(built, { recursive: true });
  // What `npm ci` and `npm run build` leave, without writing into the project.
  await cp(join(ROOT, 'package.json'), join(built, 'package.json'));
  await cp(join(ROOT, 'deploy'), join(built, 'deploy'), { recursive: true });
  await symlink(join(ROOT, 'node_modules'), join(built, 'node_modules'));
  await run(process.execPath, [join(ROOT, 'tools/build.ts'), join(built, 'dist')]);
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Where a path of the unit lies in this test. */
function here(path: string): string {
  return path.replace('/opt/runnerwatch', built);
}

/** Arguments of the command that the unit starts. */
async function startCommand(): Promise<readonly string[]> {
  const line = /^ExecStart=(?<command>.+)$/m.exec(await readFile(UNIT, 'utf8'));
  return line?.groups?.['command']?.split(' ') ?? [];
}

describe('deploy/systemd/runnerwatch.service', () => {
  test('systemd-analyze verify has nothing to say', async () => {
    const [program = ''] = await startCommand();
    const root = join(folder, 'root');
    await mkdir(join(root, program, '..'), { recursive: true });
    await writeFile(join(root, program), '#!/bin/true\n', { mode: 0o755 });
    // The unit as installed, so that the paths which it names must be there.
    const text = (await readFile(UNIT, 'utf8')).replaceAll(
      '/opt/runnerwatch',
      `${root}/opt/runnerwatch`,
    );
    const unit = join(folder, 'runnerwatch.service');
    await writeFile(unit, text);

    const { stdout, stderr } = await run('systemd-analyze', ['verify', '--man=no', unit]);

    expect(stdout + stderr).toBe('');
  });

  test('a mistake in it would be seen', async () => {
    const unit = join(folder, 'broken.service');
    await writeFile(unit, (await readFile(UNIT, 'utf8')).replace('Restart=', 'Restrat='));

    const { stdout, stderr } = await run('systemd-analyze', ['verify', '--man=no', unit]).catch(
      (error: unknown) => error as { stdout: string; stderr: string },
    );

    expect(stdout + stderr).toContain('Restrat');
  });

  test('the built program has the examples of the lint rules', async () => {
    const [program = ''] = await startCommand();
    const { stdout } = await run(here(program), ['explain', 'G01']);

    expect(stdout).toContain('\n    concurrent = 0\n');
  });

  test('the command that it starts is the built program, and the bin of the package', async () => {
    const [program = '', ...args] = await startCommand();
    const { bin } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
      bin: { runnerwatch: string };
    };

    expect(program).toBe(`/opt/runnerwatch/${bin.runnerwatch}`);
    expect(args).toEqual(['serve']);
    // Not the settings of an installation on this machine.
    const settings = join(folder, 'runnerwatch.toml');
    await writeFile(settings, '');
    const flags = ['--config.check', `--config.file=${settings}`];
    const { stdout } = await run(here(program), [...args, ...flags]);
    expect(stdout).toContain(`${settings} is valid`);
  });

  test('the built program knows the runner stand-in of the demo beside it', () => {
    const files = execFileSync('ls', [join(built, 'dist/demo')], { encoding: 'utf8' });

    expect(files.split('\n')).toContain('runner-stand-in.js');
  });
});
