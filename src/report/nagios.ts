/** The one line of a monitoring plug-in: state, summary, performance data. */
import type { CheckState } from '../core/check.ts';
import { printable } from '../core/printable.ts';
import type { View } from '../core/view.ts';
import { priorChangeText } from './format.ts';
import { isWorking, presentSeverity, shownCauses } from '../core/verdict.ts';
import type { Verdict } from '../core/vocabulary.ts';

const STATUS_NAMES = ['OK', 'WARNING', 'CRITICAL', 'UNKNOWN'] as const;
/** Old transports cut a line after 1 KiB; the counts come first. */
const MAX_MEASURES = 20;

export function nagiosLine({ diagnosis, snapshot }: View): string {
  const { verdict, summary, runners } = diagnosis;
  const causes = shownCauses(diagnosis);
  const connected = runners.filter((runner) => runner.connected === true).length;
  const working = runners.filter((runner) => isWorking(runner)).length;
  const critical = causes.filter((cause) => presentSeverity(cause) === 'critical').length;
  const data = [
    `causes=${causes.length};;;0`,
    `critical=${critical};;;0`,
    `connected=${connected};;;0;${runners.length}`,
    `working=${working};;;0;${runners.length}`,
    ...snapshot.checks.flatMap((state) => measuresOf(state)).slice(0, MAX_MEASURES),
  ];
  // A bar ends the text of a plug-in, and so does the end of the line.
  return `RUNNERWATCH ${STATUS_NAMES[exitCodeOf(verdict)]} - ${printable(`${summary}${changeText(causes)}`).replaceAll('|', '/')} | ${data.join(' ')}`;
}

/** What changed before the first cause. */
function changeText(causes: View['diagnosis']['causes']): string {
  const [change] = causes[0]?.changedBefore ?? [];
  return change === undefined
    ? ''
    : ` Changed shortly before it began: ${priorChangeText(change)}.`;
}

/** Phases of the walk in seconds, and shares with the limits that judge them. */
function measuresOf({ check, finding }: CheckState): readonly string[] {
  const { probe, target, options } = check;
  return Object.entries(probe.measures).flatMap(([measure, { as, limits }]) => {
    const value = finding.measures?.[measure];
    if (value === undefined) return [];
    if (as?.labels?.['phase'] !== undefined) {
      return [`${labelOf(`${as.labels['phase']} ${target.id}`)}=${roundValue(value)}s;;;0`];
    }
    if (limits === undefined) return [];
    const [warn = '', critical = ''] = limits.options.map((name) =>
      rangeOf(options[name], limits.worse),
    );
    const label = labelOf(`${probe.id} ${measure} ${target.id}`);
    return [`${label}=${roundValue(value * 100)}%;${warn};${critical};0;100`];
  });
}

/** `5:` means "below 5 is too little", `60` "above 60 is too much". */
function rangeOf(limit: number | boolean | undefined, worse: 'low' | 'high'): string {
  if (typeof limit !== 'number') return '';
  return `${roundValue(limit * 100)}${worse === 'low' ? ':' : ''}`;
}

function roundValue(value: number): string {
  return String(Number(value.toPrecision(3)));
}

/** In quotes, without what would end it. */
function labelOf(text: string): string {
  return `'${printable(text).replaceAll(/['=|]/g, '_')}'`;
}

/** 0 OK, 1 warning, 2 critical, 3 unknown. */
const CODES: Readonly<Record<Verdict, number>> = { healthy: 0, degraded: 1, broken: 2, unsure: 3 };

export function exitCodeOf(verdict: Verdict): number {
  return CODES[verdict];
}
