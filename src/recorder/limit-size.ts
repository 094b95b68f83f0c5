/** Limits the size of an incident: removes the largest and least useful parts first, and records which. */
import type { Incident } from './incident.ts';
import type { Redact } from './redaction.ts';
import { redactDocument } from './redaction.ts';

export const MAX_INCIDENT_BYTES = 512 * 1024;

interface Cut {
  readonly label: string;
  readonly apply: (incident: Incident) => Incident;
}

const CUTS: readonly Cut[] = [
  {
    label: 'checks of the report that do not belong to this cause',
    apply: (incident) => ({ ...incident, report: concernedReport(incident) }),
  },
  { label: 'all but the last 10 runs of each check', apply: (incident) => withRuns(incident, 10) },
  {
    label: "all but the last 50 lines of the runner's log",
    apply: (incident) => ({ ...incident, runnerLog: incident.runnerLog.slice(-50) }),
  },
  {
    label: 'the report',
    apply: (incident) => ({
      ...incident,
      report: { ...incident.report, checks: [], runners: [], causes: [], candidates: [] },
    }),
  },
  {
    label: 'certificates, runs and lines of the log',
    apply: (incident) => ({ ...incident, certificates: [], runs: {}, runnerLog: [] }),
  },
];

/** The text of the file. */
export function limitSize(incident: Incident, redact: Redact, most = MAX_INCIDENT_BYTES): string {
  let shown = incident;
  let text = redactDocument(shown, redact);
  for (const { label: says, apply: make } of CUTS) {
    if (Buffer.byteLength(text) <= most) break;
    shown = { ...make(shown), leftOut: [...shown.leftOut, says] };
    text = redactDocument(shown, redact);
  }
  return text;
}

function concernedReport({ report, runs }: Incident): Incident['report'] {
  return { ...report, checks: report.checks.filter(({ id }) => Object.hasOwn(runs, id)) };
}

function withRuns(incident: Incident, most: number): Incident {
  const runs = Object.fromEntries(
    Object.entries(incident.runs).map(([id, list]) => [id, list.slice(-most)]),
  );
  return { ...incident, runs };
}
