/** The one line of a monitoring plug-in: state, summary, performance data. */
import type { View } from '../core/view.ts';
import { exitCodeOf } from './exit-code.ts';

const WORDS = ['OK', 'WARNING', 'CRITICAL', 'UNKNOWN'] as const;

export function nagiosLine({ diagnosis }: View): string {
  const { verdict, summary, causes, runners } = diagnosis;
  const connected = runners.filter((runner) => runner.connected === true).length;
  const critical = causes.filter(({ severity }) => severity === 'critical').length;
  const data = `causes=${causes.length};;;0 critical=${critical};;;0 connected=${connected};;;0;${runners.length}`;
  // The bar ends the text of a plug-in.
  return `RUNNERWATCH ${WORDS[exitCodeOf(verdict)]} - ${summary.replaceAll('|', '/')} | ${data}`;
}
