/**
 * A folder that is used as the host of the readme's commands: the project in its `/opt`, a folder on PATH, its `/etc`,
 * and GitLab and the runner of the demo host.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { installedCopy } from './installed-copy.ts';
import { programStage } from './program-stage.ts';
import { until } from './until.ts';

export interface CommandResult {
  readonly exitCode: number;
  readonly output: string;
}

export interface ReadmeHost extends AsyncDisposable {
  /** A line of shell in the project's folder, with this host's paths in the place of the real ones. */
  readonly run: (line: string) => Promise<CommandResult>;
  /** Flags that lead to the stage. */
  readonly flags: string;
  /** What systemd would do on daemon-reload: reads the installed unit, with this host's paths, and judges it. */
  readonly loadUnit: () => Promise<CommandResult>;
  /** What systemd would do with that unit: starts ExecStart and waits until it is ready. */
  readonly startUnit: () => Promise<CommandResult>;
  /** What systemd would do at a reload; resolves when the log reports it. */
  readonly reloadUnit: () => Promise<CommandResult>;
  /** Ends the service as systemd does and returns its exit code. */
  readonly stopUnit: () => Promise<number | null>;
}

const UNIT = '/etc/systemd/system/runnerwatch.service';

export async function readmeHost(): Promise<ReadmeHost> {
  const stage = await programStage();
  const root = await mkdtemp(join(tmpdir(), 'readme-host-'));
  await installedCopy(join(root, 'opt/runnerwatch'));
  await mkdir(join(root, 'usr/local/bin'), { recursive: true });
  await mkdir(join(root, 'etc/systemd/system'), { recursive: true });
  const unitFile = join(root, UNIT);
  let service: Service | undefined;
  const here = (line: string): string => localizePaths(line, root, service?.address);
  return {
    flags: stage.flags.join(' '),
    run: async (line) => await runLine(here(line), root),
    loadUnit: async () => {
      await writeFile(unitFile, here(await readFile(unitFile, 'utf8')));
      return await runLine(`systemd-analyze verify --man=no ${unitFile}`, root);
    },
    startUnit: async () => {
      service = await startService(await readFile(unitFile, 'utf8'), stage.flags);
      return { exitCode: 0, output: '' };
    },
    reloadUnit: async () => {
      const command = /^ExecReload=(.*)$/m.exec(await readFile(unitFile, 'utf8'));
      const ended = await runLine(
        (command?.[1] ?? '').replace('$MAINPID', String(service?.pid)),
        root,
      );
      await until(() => service?.log().includes('settings reloaded') === true);
      return ended;
    },
    stopUnit: async () => (await service?.end()) ?? null,
    [Symbol.asyncDispose]: async () => {
      await service?.end();
      await stage[Symbol.asyncDispose]();
      await rm(root, { recursive: true, force: true });
    },
  };
}

/** The one list of what differs between the reader's host and the test's. */
function localizePaths(text: string, root: string, address = ''): string {
  return text
    .replaceAll(/\bsudo /g, '')
    .replaceAll('/usr/local/bin/', `${root}/usr/local/bin/`)
    .replaceAll(/(?<![\w.-])\/opt\/runnerwatch/g, `${root}/opt/runnerwatch`)
    .replaceAll(/(?<![\w.-])\/etc\/(?=systemd|runnerwatch)/g, `${root}/etc/`)
    .replaceAll('http://127.0.0.1:19252', address);
}

async function runLine(line: string, root: string): Promise<CommandResult> {
  const { promise, resolve } = Promise.withResolvers<CommandResult>();
  execFile(
    'sh',
    ['-c', line],
    {
      cwd: join(root, 'opt/runnerwatch'),
      env: { ...process.env, PATH: `${root}/usr/local/bin:${process.env['PATH'] ?? ''}` },
    },
    (error, stdout, stderr) =>
      resolve({ exitCode: Number(error?.code ?? 0), output: `${stdout}${stderr}` }),
  );
  return await promise;
}

interface Service {
  readonly pid: number;
  readonly address: string;
  readonly log: () => string;
  readonly end: () => Promise<number | null>;
}

async function startService(unit: string, flags: readonly string[]): Promise<Service> {
  const [program = '', ...words] = (/^ExecStart=(.*)$/m.exec(unit)?.[1] ?? '').split(' ');
  const child = spawn(program, [...words, ...flags, '--web.listen-address=127.0.0.1:0'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  child.stderr.on('data', (piece: Buffer) => void (log += piece.toString()));
  const address = (): string | undefined => /http:\/\/127\.0\.0\.1:\d+/.exec(log)?.[0];
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`the service ended: ${log}`);
    const at = address();
    return at !== undefined && (await fetch(`${at}/-/ready`)).ok;
  });
  return {
    pid: child.pid ?? 0,
    address: address() ?? '',
    log: () => log,
    end: async () => {
      if (child.exitCode === null && child.signalCode === null) {
        const exit = once(child, 'exit');
        child.kill('SIGTERM');
        await exit;
      }
      return child.exitCode;
    },
  };
}
