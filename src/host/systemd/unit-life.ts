/** How the last main process of a unit ended, and when systemd starts the next one. */
import { constants } from 'node:os';

import type { UnitState } from './systemd.ts';

/** The last main process of a unit, once it has ended. */
export interface UnitLife {
  readonly seconds: number;
  /** A signal killed it, or it exited by itself. */
  readonly isKilled: boolean;
  /** Number of the signal, or exit code. */
  readonly status: number;
}

/** A process that ends sooner has not started for good. */
export const SHORT_LIFE_SECONDS = 60;

/** CLD_EXITED of waitid(2); the codes above are signals. */
const EXITED = 1;
const MICROSECONDS = 1e6;

const UNIT_SECONDS: Readonly<Record<string, number>> = {
  us: 1e-6,
  ms: 1e-3,
  s: 1,
  min: 60,
  h: 3600,
  d: 86_400,
  w: 604_800,
};

/** `2min`, `1min 30s`, `100ms`: how `systemctl show` prints a span. */
export function spanSeconds(text: string): number | undefined {
  const parts = [...text.matchAll(/(?<number>[\d.]+)(?<unit>[a-z]+)/g)].map(({ groups }) => {
    const { number = '', unit = '' } = groups ?? {};
    return Number(number) * (UNIT_SECONDS[unit] ?? NaN);
  });
  const sum = parts.reduce((all, seconds) => all + seconds, 0);
  return parts.length === 0 || Number.isNaN(sum) ? undefined : sum;
}

/** Times are of the monotonic clock. */
export function lifeOf(values: ReadonlyMap<string, string>): UnitLife | undefined {
  const from = Number(values.get('ExecMainStartTimestampMonotonic') ?? 0);
  const to = Number(values.get('ExecMainExitTimestampMonotonic') ?? 0);
  const code = Number(values.get('ExecMainCode') ?? 0);
  if (from === 0 || to < from || code === 0) return undefined;
  const status = Number(values.get('ExecMainStatus') ?? 0);
  return { seconds: (to - from) / MICROSECONDS, isKilled: code !== EXITED, status };
}

/** Seconds until the next start; undefined while none is planned. */
export function nextStartSeconds(
  values: ReadonlyMap<string, string>,
  nowSeconds: number,
): number | undefined {
  if (!(values.get('SubState') ?? '').startsWith('auto-restart')) return undefined;
  const since = Number(values.get('StateChangeTimestampMonotonic') ?? 0) / MICROSECONDS;
  const delay = spanSeconds(values.get('RestartUSecNext') ?? values.get('RestartUSec') ?? '');
  if (since === 0 || delay === undefined) return undefined;
  return Math.max(0, since + delay - nowSeconds);
}

/** `was killed by SIGKILL after 3 h`, `exited with code 1 after 2 s`; undefined where systemd does not say it. */
export function endText({ life }: Pick<UnitState, 'life'>): string | undefined {
  if (life === undefined) return undefined;
  const { seconds, isKilled, status } = life;
  const how = isKilled ? `was killed by ${signalName(status)}` : `exited with code ${status}`;
  return `${how} after ${durationText(seconds)}`;
}

function signalName(number: number): string {
  const found = Object.entries(constants.signals).find(([, value]) => value === number);
  return found?.[0] ?? `signal ${number}`;
}

function durationText(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

/** Results that say that a start failed, whatever came of the process. */
const FAILED_STARTS: ReadonlySet<string> = new Set([
  'timeout',
  'protocol',
  'resources',
  'start-limit-hit',
  'exec-condition',
]);

/** Whether the unit failed at its start: what lived for a while, or was killed, had started. */
export function isFailedStart({ result, life }: UnitState): boolean {
  if (FAILED_STARTS.has(result)) return true;
  if (life === undefined) return result === 'exit-code';
  return !life.isKilled && life.seconds < SHORT_LIFE_SECONDS;
}

/** `systemctl restart` and `stop` pass through these states; systemd bounds how long they last. */
export function isOnItsWay({ activeState, subState }: UnitState): boolean {
  return (
    activeState === 'deactivating' || (activeState === 'activating' && subState.startsWith('start'))
  );
}

/** The state of the unit, as an explanation for a missing process. */
export function unitFault(id: string, unit: UnitState) {
  const { activeState, subState, result } = unit;
  if (activeState !== 'failed' && !subState.startsWith('auto-restart')) return undefined;
  const ended = endText(unit);
  const what = ended === undefined ? `is ${activeState} (${subState}, ${result})` : ended;
  const seconds = unit.nextStartSeconds;
  const next = seconds === undefined ? '' : `; systemd starts it again in ${Math.round(seconds)} s`;
  const reason = isFailedStart(unit) ? 'failed' : 'not-running';
  return { status: 'fail', reason, detail: `${id} ${what}${next}` } as const;
}
