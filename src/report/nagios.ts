/** The one line of a monitoring plug-in: state, summary, performance data. */
import { printable } from '../core/printable.ts';
import type { View } from '../core/view.ts';
import { exitCodeOf } from './exit-code.ts';

const WORDS = ['OK', 'WARNING', 'CRITICAL', 'UNKNOWN'] as const;

export function nagiosLine({ diagnosis }: View): string {
  const { verdict, summary, causes, runners } = diagnosis;
  const connected = runners.filter((runner) => runner.connected === true).length;
  const critical = causes.filter(({ severity }) => severity === 'critical').length;
  const data = `causes=${causes.length};;;0 critical=${critical};;;0 connected=${connected};;;0;${runners.length}`;
  // A bar ends the text of a plug-in, and so does the end of the line.
  return `RUNNERWATCH ${WORDS[exitCodeOf(verdict)]} - ${printable(summary).replaceAll('|', '/')} | ${data}`;
}
