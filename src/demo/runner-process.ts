/** Starts the stand-in runner so that /proc shows it as the real one. */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';

import { fileBeside } from '../core/program-file.ts';
import type { StandInOptions } from './runner-options.ts';
import { OPTIONS_VARIABLE } from './runner-options.ts';

export const STAND_IN = fileBeside(import.meta.url, 'runner-stand-in');

export interface RunnerStandIn extends AsyncDisposable {
  readonly pid: number;
  stop(signal: NodeJS.Signals): void;
}

/** `logFile` receives the lines that the runner would log; `configPath` is only shown in the command line. */
export async function startRunnerStandIn(
  order: StandInOptions,
  { configPath, logFile }: { readonly configPath: string; readonly logFile: string },
): Promise<RunnerStandIn> {
  const log = openSync(logFile, 'a');
  const child = spawn(process.execPath, ['run', '--config', configPath], {
    argv0: 'gitlab-runner',
    // The import never ends, so Node never opens the script called `run`.
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: '/root',
      NODE_OPTIONS: `--import=${STAND_IN.href}`,
      [OPTIONS_VARIABLE]: JSON.stringify(order),
    },
    stdio: ['ignore', log, log, 'ipc'],
  });
  await once(child, 'spawn');
  return {
    pid: child.pid ?? 0,
    stop: (signal) => void child.kill(signal),
    [Symbol.asyncDispose]: async () => await waitForExit(child),
  };
}

async function waitForExit(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  // A stopped process must go on before it can end.
  child.kill('SIGCONT');
  child.kill('SIGKILL');
  await exit;
}
