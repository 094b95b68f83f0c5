/** The type of an incident file (docs/http.md): everything that a person would have collected at that moment. */
import type { Change } from '../core/change.ts';
import type { IncidentSummary, TimelineEvent } from '../core/past.ts';
import type { Instant } from '../core/clock.ts';
import type { Cause } from '../core/diagnosis.ts';
import type { Severity } from '../core/vocabulary.ts';
import { SEVERITIES } from '../core/vocabulary.ts';
import type { HostPicture } from '../host/picture.ts';
import type { BusyProcesses } from '../host/proc/busy-processes.ts';
import type { Report } from '../report/document.ts';
import { isoOf } from '../report/document.ts';
import { isRecord } from '../core/json.ts';

export const INCIDENT_SCHEMA = 1;

/** What it is about, as long as it lasts. */
export interface IncidentScope {
  readonly kind: string;
  readonly id: string;
  readonly runners: readonly string[];
  readonly since: string;
}

export interface IncidentRun {
  readonly at: string;
  readonly durationSeconds: number;
  readonly status: string;
  readonly reason?: string;
  readonly detail?: string;
  readonly measures: Readonly<Record<string, number | undefined>>;
}

export interface IncidentChange {
  readonly at: string;
  /** Before the first evidence; negative for what changed after it. */
  readonly secondsBefore: number;
  readonly what: string;
  readonly before: string;
  readonly after: string;
}

export interface Incident {
  readonly schema: typeof INCIDENT_SCHEMA;
  readonly id: string;
  readonly cause: string;
  readonly severity: Severity;
  readonly title: string;
  readonly summary: string;
  readonly host: string;
  readonly version: string;
  readonly startedAt: string;
  readonly confirmedAt: string;
  readonly recoveredAt?: string;
  readonly durationSeconds?: number;
  readonly scopes: readonly IncidentScope[];
  /** Newest first. */
  readonly changes: readonly IncidentChange[];
  readonly timeline: readonly {
    readonly at: string;
    readonly kind: string;
    readonly text: string;
  }[];
  /** By id of the check, oldest first. */
  readonly runs: Readonly<Record<string, readonly IncidentRun[]>>;
  readonly certificates: readonly { readonly check: string; readonly pem: string }[];
  readonly resolver: readonly { readonly check: string; readonly answers: readonly string[] }[];
  readonly routes: readonly string[];
  readonly proxy: readonly {
    readonly endpoint: string;
    readonly decision: string;
    readonly source: string;
    readonly writtenDownElsewhere: readonly string[];
  }[];
  readonly runnerLog: readonly string[];
  readonly processes: BusyProcesses;
  /** What the host is made of; empty where nothing could be read. */
  readonly hardware: HostPicture;
  readonly report: Report;
  /** What was left out to keep the file small. */
  readonly leftOut: readonly string[];
}

/** What the recorder reads when an incident begins. */
export interface Surrounds {
  readonly routes: readonly string[];
  readonly runnerLog: readonly string[];
  readonly processes: BusyProcesses;
  readonly hardware: HostPicture;
}

/** `20261124T085830Z-tls-unknown-authority`: sorts by time, and is a file name and a path of a URL. */
export function incidentId({ id }: Cause, at: Instant): string {
  return `${isoOf(at).replaceAll(/[-:]|\.\d+/g, '')}-${id}`;
}

export function isIncidentId(text: string): boolean {
  return /^\d{8}T\d{6}Z-[a-z0-9-]{1,60}$/.test(text);
}

/** One line of the list, out of a document of any origin; undefined for what is no incident. */
export function summaryOf(document: unknown): IncidentSummary | undefined {
  if (!isRecord(document) || document['schema'] !== INCIDENT_SCHEMA) return undefined;
  const { id, cause, severity, title, summary, startedAt, confirmedAt, recoveredAt } = document;
  const texts = [id, cause, title, summary, startedAt, confirmedAt];
  const isWorded = texts.every((text) => typeof text === 'string');
  if (!isWorded || !isIncidentId(String(id)) || !isSeverity(severity)) return undefined;
  const times = [startedAt, confirmedAt].map((text) => Date.parse(String(text)));
  const [started = NaN, confirmed = NaN] = times;
  if (times.some((time) => Number.isNaN(time))) return undefined;
  const recovered = typeof recoveredAt === 'string' ? Date.parse(recoveredAt) : NaN;
  return {
    id: String(id),
    cause: String(cause),
    severity,
    title: String(title),
    summary: String(summary),
    startedAt: started,
    confirmedAt: confirmed,
    ...(Number.isNaN(recovered) ? {} : { recoveredAt: recovered }),
    runners: runnersOf(document['scopes']),
  };
}

function isSeverity(value: unknown): value is Severity {
  return (SEVERITIES as readonly unknown[]).includes(value);
}

function runnersOf(scopes: unknown): readonly string[] {
  if (!Array.isArray(scopes)) return [];
  const runners = scopes.flatMap((scope: unknown) =>
    isRecord(scope) && Array.isArray(scope['runners']) ? scope['runners'] : [],
  );
  return [...new Set(runners.filter((runner) => typeof runner === 'string'))];
}

/** A change as it is written in the file. */
export function changeLine({ at, what, before, after }: Change, since: Instant): IncidentChange {
  const secondsBefore = Math.round((since - at) / 1000);
  return { at: isoOf(at), secondsBefore, what, before, after };
}

export function eventLine({ at, kind, text }: TimelineEvent) {
  return { at: isoOf(at), kind, text };
}
