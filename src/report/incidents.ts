/** Incidents as a list and as text: `/api/v1/incidents`, `runnerwatch incident`. */
import { printable } from '../core/printable.ts';
import type { IncidentSummary, Past } from '../core/past.ts';
import { wrapText } from '../core/columns.ts';
import { isoOf } from './document.ts';
import { formatDuration } from '../core/duration-text.ts';

/** As in the incident file, whose first fields these are. */
export interface ListedIncident extends Omit<
  IncidentSummary,
  'startedAt' | 'confirmedAt' | 'recoveredAt'
> {
  readonly startedAt: string;
  readonly confirmedAt: string;
  readonly recoveredAt?: string;
  readonly durationSeconds?: number;
}

/** Newest first. */
export function incidentList({ incidents }: Pick<Past, 'incidents'>): readonly ListedIncident[] {
  return incidents.map(({ startedAt, confirmedAt, recoveredAt, ...rest }) => ({
    ...rest,
    startedAt: isoOf(startedAt),
    confirmedAt: isoOf(confirmedAt),
    ...(recoveredAt === undefined
      ? {}
      : {
          recoveredAt: isoOf(recoveredAt),
          durationSeconds: Math.round((recoveredAt - startedAt) / 1000),
        }),
  }));
}

/** `resolved after 12 s`, or `ongoing`. */
export function formatLength({ startedAt, recoveredAt }: IncidentSummary): string {
  return recoveredAt === undefined
    ? 'ongoing'
    : `resolved after ${formatDuration((recoveredAt - startedAt) / 1000)}`;
}

/** Two lines for each incident. */
export function incidentLines(
  incidents: readonly IncidentSummary[],
  width: number,
): readonly string[] {
  return incidents.flatMap((incident) => [
    `${incident.id}  (${incident.severity}, ${formatLength(incident)})`,
    ...wrapText(printable(incident.summary), '  ', '  ', width),
  ]);
}
