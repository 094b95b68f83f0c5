/** The real program, serving on a socket with short intervals, as its readers see it. */
import type { ChildProcess, StdioOptions } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import type { Report, ReportedCheck } from '../../src/report/document.ts';
import { COMPILE_CACHE } from './compile-cache.ts';
import { programArguments } from './program-arguments.ts';
import { until } from './until.ts';

export interface QuickDaemon extends AsyncDisposable {
  readonly process: ChildProcess;
  readonly pid: number;
  /** The state of a check in the last report; undefined while there is none. */
  check(probe: string): Promise<ReportedCheck | undefined>;
  /** Waits until a check is so. */
  untilCheck(probe: string, isSo: (check: ReportedCheck) => boolean): Promise<void>;
  /** Ends it with SIGTERM; its exit code. */
  end(): Promise<number | null>;
}

export interface QuickOptions {
  /** Probes that run every second; all others keep their interval. */
  readonly quick: readonly string[];
  readonly stateDirectory: string;
  readonly stdio?: StdioOptions;
}

/** With a config of one shell entry; GitLab does not matter. `folder` holds its files. */
export async function startQuickDaemon(
  folder: string,
  { quick, stateDirectory, stdio = ['ignore', 'ignore', 'ignore'] }: QuickOptions,
): Promise<QuickDaemon> {
  const [config, settings, socketPath] = ['config.toml', 'own.toml', 'web.sock'].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  writeFileSync(
    config,
    '[[runners]]\nname = "one"\nurl = "http://127.0.0.1:9/"\ntoken = "glrt-aaaaaaaaaaaaaaaaaaaa"\nexecutor = "shell"\n',
  );
  writeFileSync(settings, quick.map((id) => `[probes.${id}]\ninterval_seconds = 1\n`).join(''));
  const [program, ...args] = programArguments(
    [
      'serve',
      `--runner.config=${config}`,
      `--config.file=${settings}`,
      `--state.directory=${stateDirectory}`,
      `--web.listen-address=unix:${socketPath}`,
      '--log.level=debug',
    ],
    folder,
  );
  const child = spawn(program, args, { stdio, env: { ...process.env, ...COMPILE_CACHE } });
  const check = async (probe: string): Promise<ReportedCheck | undefined> =>
    (await reportOf(socketPath).catch(() => undefined))?.checks.find((one) => one.probe === probe);
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const ended = once(child, 'exit');
    child.kill(signal);
    const [code] = (await ended) as [number | null];
    return code;
  };
  return {
    process: child,
    pid: child.pid ?? 0,
    check,
    untilCheck: async (probe, isSo) => {
      await until(async () => {
        if (child.exitCode !== null) throw new Error(`runnerwatch exited with ${child.exitCode}`);
        const found = await check(probe);
        return found !== undefined && isSo(found);
      });
    },
    end: async () => await end('SIGTERM'),
    [Symbol.asyncDispose]: async () => void (await end('SIGKILL')),
  };
}

async function reportOf(socketPath: string): Promise<Report> {
  const asked = request({ socketPath, path: '/api/v1/report' }).end();
  const [answer] = (await once(asked, 'response')) as [NodeJS.ReadableStream];
  return JSON.parse(await text(answer)) as Report;
}
