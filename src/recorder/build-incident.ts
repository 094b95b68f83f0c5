/** Builds the incident document, of bounded size, at the moment when a cause is confirmed. */
import type { CheckState } from '../core/check.ts';
import type { Instant } from '../core/clock.ts';
import type { Cause } from '../core/diagnosis.ts';
import type { ProbeResult } from '../core/finding.ts';
import { allEndpoints } from '../core/host-context.ts';
import type { Change } from '../core/change.ts';
import type { TimelineEvent } from '../core/past.ts';
import type { EndpointTarget, ProxyDecision } from '../core/target.ts';
import type { View } from '../core/view.ts';
import { isoOf, reportOf } from '../report/document.ts';
import type { Incident, IncidentRun, IncidentScope, Surrounds } from './incident.ts';
import { changeLine, eventLine, INCIDENT_SCHEMA, incidentId } from './incident.ts';

/** An incident has the checks that prove it and the first of those that it explains. */
const MAX_CHECKS = 20;
const MAX_SCOPES = 100;
const MAX_EVENTS = 50;
const MAX_CHANGES = 30;

export interface IncidentInput {
  /** Of one id, all confirmed in this view. */
  readonly causes: readonly [Cause, ...Cause[]];
  readonly view: View;
  readonly confirmedAt: Instant;
  /** Newest first. */
  readonly changes: readonly Change[];
  readonly timeline: readonly TimelineEvent[];
  readonly surrounds: Surrounds;
}

export function buildIncident(moment: IncidentInput): Incident {
  const { causes, view, confirmedAt, changes, timeline, surrounds } = moment;
  const [cause] = causes;
  const startedAt = Math.min(...causes.map(({ since }) => since));
  const states = isConcernedBy(causes, view);
  return {
    schema: INCIDENT_SCHEMA,
    id: incidentId(cause, confirmedAt),
    cause: cause.id,
    severity: cause.severity,
    title: cause.title,
    summary: cause.summary,
    host: view.snapshot.hostContext.host,
    version: view.self.version,
    startedAt: isoOf(startedAt),
    confirmedAt: isoOf(confirmedAt),
    scopes: causes.slice(0, MAX_SCOPES).map((one) => scopeOf(one)),
    changes: changes.slice(0, MAX_CHANGES).map((change) => changeLine(change, startedAt)),
    timeline: timeline.slice(0, MAX_EVENTS).map((event) => eventLine(event)),
    runs: Object.fromEntries(
      states.map(({ check, recent }) => [check.id, recent.map((result) => runOf(result))]),
    ),
    certificates: view.snapshot.checks.flatMap((state) =>
      attachmentsOf(state, 'certificate_chain', (pem) => ({ check: state.check.id, pem })),
    ),
    resolver: view.snapshot.checks.flatMap((state) =>
      attachmentsOf(state, 'answers', (text) => ({
        check: state.check.id,
        answers: text.split('\n'),
      })),
    ),
    proxy: allEndpoints(view.snapshot.hostContext).map((endpoint) => proxyOf(endpoint)),
    ...surrounds,
    report: reportOf(view),
    leftOut: [],
  };
}

export function scopeOf({ scope, since }: Cause): IncidentScope {
  return { ...scope, since: isoOf(since) };
}

/** Evidence first. */
function isConcernedBy(causes: readonly Cause[], { snapshot }: View): readonly CheckState[] {
  const evidence = causes.flatMap((cause) => cause.evidence.map(({ check }) => check));
  const ids = [...new Set([...evidence, ...causes.flatMap(({ explains }) => explains)])];
  const byId = new Map(snapshot.checks.map((state) => [state.check.id, state]));
  return ids.slice(0, MAX_CHECKS).flatMap((id) => byId.get(id) ?? []);
}

function runOf({ startedAt, durationSeconds, finding }: ProbeResult): IncidentRun {
  return {
    at: isoOf(startedAt),
    durationSeconds,
    status: finding.status,
    ...(finding.status === 'pass' ? {} : { reason: finding.reason, detail: finding.detail }),
    measures: finding.measures ?? {},
  };
}

/** An attachment of the last run that had one; a later run may lack it because an earlier link failed. */
function attachmentsOf<T>(
  state: CheckState,
  name: string,
  make: (text: string) => T,
): readonly T[] {
  const results = [state.last, ...state.recent.toReversed()];
  const text = results
    .map((result) => result?.finding.attachments?.[name])
    .find((found) => found !== undefined);
  return text === undefined || text === '' ? [] : [make(text)];
}

function proxyOf({ id, proxy, alternatives = [] }: EndpointTarget): Incident['proxy'][number] {
  return {
    endpoint: id,
    decision: findingOfLink(proxy),
    source: proxy.kind === 'direct' ? proxy.because : proxy.variable,
    writtenDownElsewhere: alternatives.map(
      ({ decision, source }) => `${source}: ${findingOfLink(decision)}`,
    ),
  };
}

/** Without the login. */
function findingOfLink(decision: ProxyDecision): string {
  if (decision.kind === 'direct') return 'direct';
  return `${decision.scheme}://${decision.host}:${decision.port}`;
}
