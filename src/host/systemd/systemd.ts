/** What systemd reports about the runner's unit, by one `systemctl show`; nothing where systemd does not run. */

import { deadlineOf } from '../../core/abort.ts';
import type { Paths } from '../../core/paths.ts';
import { boundedChild } from '../child-process.ts';
import type { UnitLife } from './unit-life.ts';
import { lifeOf, nextStartSeconds } from './unit-life.ts';
import { isThereIn } from '../fs/in-root.ts';

const PROPERTIES = [
  'LoadState,ActiveState,SubState,MainPID,NRestarts,Result,RestartUSec,RestartUSecNext',
  'ExecMainStartTimestampMonotonic,ExecMainExitTimestampMonotonic,ExecMainCode,ExecMainStatus',
  'StateChangeTimestampMonotonic',
].join(',');

export interface UnitState {
  /** `loaded`, `not-found`, `masked`, … */
  readonly loadState: string;
  readonly activeState: string;
  readonly subState: string;
  readonly mainPid: number;
  readonly restarts: number;
  /** `success`, `exit-code`, `oom-kill`, … */
  readonly result: string;
  /** The last main process, where it has ended. */
  readonly life?: UnitLife;
  /** Until systemd starts it again, while it waits to do so. */
  readonly nextStartSeconds?: number;
}

/** By PATH: whether its systemctl answers. It does or does not for as long as the host runs. */
const answering = new Map<string, Promise<boolean>>();
const ANSWER_SECONDS = 3;

const systemctl = boundedChild();

/**
 * Whether systemd runs this host: by the mark of sd_booted(3), or where that is hidden from us, as in some
 * containers, since systemctl reaches it.
 */
export async function hasSystemd(paths: Paths): Promise<boolean> {
  const isMarked = await isThereIn(paths, '/run/systemd/system');
  // Under another root the systemctl of our own is not that host's.
  if (isMarked || paths.rootfs !== '/') return isMarked;
  const { PATH = '' } = process.env;
  const answer = answering.get(PATH) ?? systemctlAnswers();
  answering.set(PATH, answer);
  return await answer;
}

/** False where it cannot reach systemd, is not there, or ignores the question, as in a chroot. */
export async function systemctlAnswers(): Promise<boolean> {
  using deadline = deadlineOf(ANSWER_SECONDS);
  const answer = await show('LoadState', 'gitlab-runner.service', deadline.signal);
  return answer !== undefined && /^LoadState=./m.test(answer);
}

/** Undefined where there is no systemd, or it did not answer. */
export async function unitState(
  unit: string,
  paths: Paths,
  signal: AbortSignal,
): Promise<UnitState | undefined> {
  if (!(await hasSystemd(paths))) return undefined;
  const answer = await show(PROPERTIES, unit, signal);
  return answer === undefined ? undefined : parseUnitState(answer);
}

/** Undefined when there is no answer in time. */
async function show(
  properties: string,
  unit: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const args = ['show', '-p', properties, unit];
  const command = { program: 'systemctl', args, env: { ...process.env, LC_ALL: 'C' } };
  const result = await systemctl.run(args.join(' '), command, { signal });
  return result.kind === 'ended' && result.code === 0 ? result.stdout : undefined;
}

/** `Key=value` lines of `systemctl show`. */
export function parseUnitState(text: string, nowSeconds = monotonicSeconds()): UnitState {
  const values = new Map(
    text.split('\n').map((line) => {
      const equals = line.indexOf('=');
      return [line.slice(0, equals), line.slice(equals + 1)];
    }),
  );
  const life = lifeOf(values);
  const next = nextStartSeconds(values, nowSeconds);
  return {
    loadState: values.get('LoadState') ?? '',
    activeState: values.get('ActiveState') ?? '',
    subState: values.get('SubState') ?? '',
    mainPid: Number(values.get('MainPID') ?? 0),
    restarts: Number(values.get('NRestarts') ?? 0),
    result: values.get('Result') ?? '',
    ...(life === undefined ? {} : { life }),
    ...(next === undefined ? {} : { nextStartSeconds: next }),
  };
}

/** CLOCK_MONOTONIC, as systemd dates what happens. */
function monotonicSeconds(): number {
  return Number(process.hrtime.bigint()) / 1e9;
}
