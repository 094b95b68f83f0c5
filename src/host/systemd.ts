/**
 * What does systemd say about the runner's unit? One `systemctl show`, without a shell, ended at its
 * deadline; nothing where systemd does not run.
 */
import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
import { promisify } from 'node:util';

import type { Paths } from '../core/paths.ts';
import { inRoot } from '../core/paths.ts';

const PROPERTIES = 'LoadState,ActiveState,SubState,MainPID,NRestarts,Result';

export interface UnitState {
  /** `loaded`, `not-found`, `masked`, … */
  readonly loadState: string;
  readonly activeState: string;
  readonly subState: string;
  readonly mainPid: number;
  readonly restarts: number;
  /** `success`, `exit-code`, `oom-kill`, … */
  readonly result: string;
}

/** Whether systemd runs this host. */
export async function hasSystemd(paths: Paths): Promise<boolean> {
  return await access(inRoot(paths, '/run/systemd/system')).then(
    () => true,
    () => false,
  );
}

/** Undefined where there is no systemd, or it did not answer. */
export async function unitState(
  unit: string,
  paths: Paths,
  signal: AbortSignal,
): Promise<UnitState | undefined> {
  try {
    if (!(await hasSystemd(paths))) return undefined;
    const { stdout } = await promisify(execFile)('systemctl', ['show', '-p', PROPERTIES, unit], {
      signal,
      killSignal: 'SIGKILL',
      env: { ...process.env, LC_ALL: 'C', SYSTEMD_PAGER: '' },
    });
    return parseUnitState(stdout);
  } catch {
    return undefined;
  }
}

/** `Key=value` lines of `systemctl show`. */
export function parseUnitState(text: string): UnitState {
  const values = new Map(
    text.split('\n').map((line) => {
      const equals = line.indexOf('=');
      return [line.slice(0, equals), line.slice(equals + 1)];
    }),
  );
  return {
    loadState: values.get('LoadState') ?? '',
    activeState: values.get('ActiveState') ?? '',
    subState: values.get('SubState') ?? '',
    mainPid: Number(values.get('MainPID') ?? 0),
    restarts: Number(values.get('NRestarts') ?? 0),
    result: values.get('Result') ?? '',
  };
}
