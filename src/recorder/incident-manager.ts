/**
 * Which incidents are open, when one begins and when it ends. Causes of one id are one incident, for any number of
 * entries: fifty rejected tokens have one cause.
 */
import type { Clock, Instant } from '../core/clock.ts';
import type { Cause } from '../core/diagnosis.ts';
import type { Change } from '../core/change.ts';
import type { IncidentSummary, TimelineEvent } from '../core/past.ts';
import type { View } from '../core/view.ts';
import { isoOf } from '../report/document.ts';
import { buildIncident, scopeOf } from './build-incident.ts';
import { limitSize } from './limit-size.ts';
import type { Incident, Surrounds } from './incident.ts';
import { IncidentStore } from './incident-store.ts';
import type { Redact } from './redaction.ts';
import { redactorOf, redactDocument } from './redaction.ts';

const DAY_MILLISECONDS = 86_400_000;
const MAX_SCOPES = 100;

export interface ManagerOptions {
  readonly clock: Clock;
  readonly stateDirectory?: string;
  readonly onProblem: (problem: string) => void;
  readonly changes: (since: Instant) => readonly Change[];
  readonly timeline: () => readonly TimelineEvent[];
  /** The view with what changed before its causes. */
  readonly withChanges: (view: View) => View;
  /** What is gathered for an incident of these entries. */
  readonly surrounds: (view: View, runners: readonly string[]) => Promise<Surrounds>;
}

/** What has to be known of an open incident at every judgement. */
interface OpenIncident {
  readonly scopes: ReadonlySet<string>;
  /** The checks that proved it. */
  readonly proofs: ReadonlySet<string>;
}

export class IncidentManager {
  readonly #options: ManagerOptions;
  readonly #store: IncidentStore;
  readonly #openIncidents = new Map<string, OpenIncident>();
  /** Being written: causes whose incident is not on the shelf yet. */
  readonly #beginning = new Map<string, Promise<void>>();
  #problem: string | undefined;

  constructor(options: ManagerOptions) {
    this.#options = options;
    this.#store = new IncidentStore(options.stateDirectory);
  }

  async load(): Promise<void> {
    await this.#store.load();
  }

  list(): readonly IncidentSummary[] {
    return this.#store.list();
  }

  text(id: string): string | undefined {
    return this.#store.text(id);
  }

  observe(view: View): void {
    const confirmed = view.diagnosis.causes.filter(
      ({ confidence, severity }) => confidence === 'confirmed' && severity !== 'info',
    );
    for (const [id, causes] of Map.groupBy(confirmed, (cause) => cause.id)) {
      const [first, ...rest] = causes;
      if (first !== undefined) this.#openOrWiden(id, [first, ...rest], view);
    }
    for (const open of this.#open()) {
      if (isOver(open.cause, this.#watchedOf(open.id).proofs, view)) this.#close(open.id, view);
    }
  }

  /** Writes what is not written; with `isLast` also waits for what is just beginning. */
  async flush(isLast: boolean): Promise<void> {
    if (isLast) await Promise.all(this.#beginning.values());
    const problem = await this.#store.flush();
    // A disk stays full for a while; it is reported once.
    if (problem !== undefined && problem !== this.#problem) this.#options.onProblem(problem);
    this.#problem = problem;
  }

  #open(): readonly IncidentSummary[] {
    return this.#store.list().filter(({ recoveredAt }) => recoveredAt === undefined);
  }

  #openOrWiden(id: string, causes: readonly [Cause, ...Cause[]], view: View): void {
    if (this.#beginning.has(id)) return;
    const open = this.#open().find(({ cause }) => cause === id);
    if (open !== undefined) {
      this.#widen(open.id, causes, view);
      return;
    }
    const begun = this.#begin(causes, view).finally(() => this.#beginning.delete(id));
    this.#beginning.set(id, begun);
  }

  async #begin(causes: readonly [Cause, ...Cause[]], view: View): Promise<void> {
    const confirmedAt = view.snapshot.takenAt;
    const since = Math.min(...causes.map((cause) => cause.since));
    try {
      const runners = [...new Set(causes.flatMap(({ scope }) => scope.runners))];
      const surrounds = await this.#options.surrounds(view, runners);
      const changes = this.#options.changes(since - DAY_MILLISECONDS);
      const timeline = this.#options.timeline();
      const explained = this.#options.withChanges(view);
      const moment = { causes, view: explained, confirmedAt, changes, timeline, surrounds };
      this.#store.put(limitSize(buildIncident(moment), redactorOf(view.snapshot)));
      await this.flush(false);
    } catch (error) {
      this.#options.onProblem(`incident of ${causes[0].id}: ${String(error)}`);
    }
  }

  /** Another entry has the same cause by now. */
  #widen(id: string, causes: readonly Cause[], view: View): void {
    const known = this.#watchedOf(id).scopes;
    const fresh = causes.filter(({ scope }) => !known.has(scope.id));
    if (fresh.length === 0 || known.size >= MAX_SCOPES) return;
    const document = this.#documentOf(id);
    if (document === undefined) return;
    const scopes = [...document.scopes, ...fresh.map((cause) => scopeOf(cause))];
    this.#put({ ...document, scopes: scopes.slice(0, MAX_SCOPES) }, redactorOf(view.snapshot));
    this.#openIncidents.delete(id);
  }

  #close(id: string, view: View): void {
    const document = this.#documentOf(id);
    if (document === undefined) return;
    const recovered = view.snapshot.takenAt;
    const durationSeconds = Math.round((recovered - Date.parse(document.startedAt)) / 1000);
    const closed = { ...document, recoveredAt: isoOf(recovered), durationSeconds };
    this.#put(closed, redactorOf(view.snapshot));
    this.#openIncidents.delete(id);
    void this.flush(false);
  }

  #put(document: Incident, redact: Redact): void {
    this.#store.put(redactDocument(document, redact));
  }

  /** Read out of the document once, not at every judgement. */
  #watchedOf(id: string): OpenIncident {
    const known = this.#openIncidents.get(id) ?? watchedOf(this.#documentOf(id));
    this.#openIncidents.set(id, known);
    return known;
  }

  #documentOf(id: string): Incident | undefined {
    const text = this.#store.text(id);
    return text === undefined ? undefined : (JSON.parse(text) as Incident);
  }
}

/**
 * True when the cause is gone and a check has confirmed it: a check that proved the cause has another result now.
 * While another fault hides that check, the incident stays open.
 */
function isOver(
  cause: string,
  proofs: ReadonlySet<string>,
  { diagnosis, snapshot }: View,
): boolean {
  if (diagnosis.causes.some(({ id }) => id === cause)) return false;
  const states = snapshot.checks.filter(({ check }) => proofs.has(check.id));
  // Its checks are gone with their entry.
  if (states.length === 0) return snapshot.checks.every(({ last }) => last !== undefined);
  return states.some(({ finding }) => finding.status !== 'skipped' && finding.status !== 'unknown');
}

/** The checks of the evidence are those that the incident's own report names. */
function watchedOf(document: Incident | undefined): OpenIncident {
  const causes = document?.report.causes ?? [];
  const own = causes.filter(({ id }) => id === document?.cause);
  const named = own.flatMap(({ evidence }) => evidence.map(({ check }) => check));
  return {
    scopes: new Set(document?.scopes.map((scope) => scope.id)),
    proofs: new Set<string>(named.length > 0 ? named : Object.keys(document?.runs ?? {})),
  };
}
