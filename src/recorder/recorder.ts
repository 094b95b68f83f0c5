/**
 * The flight recorder: writes an incident when a cause is confirmed, closes it when the cause is gone, and keeps the
 * events and changes of the last 24 hours.
 *
 * Promises: nothing here delays a probe or a reader; no secret is written; memory and disk are bounded; a full or
 * hanging disk costs the files and nothing else.
 */
import { setTimeout as delay } from 'node:timers/promises';

import type { Clock, Instant } from '../core/clock.ts';
import type { Cause, Diagnosis } from '../core/diagnosis.ts';
import type { Paths } from '../core/paths.ts';
import { deadlineOf, withSignal } from '../core/abort.ts';
import type { Change } from '../core/change.ts';
import type { IncidentSummary, Past, TimelineEvent, Tone } from '../core/past.ts';
import type { View } from '../core/view.ts';
import type { Severity, Verdict } from '../core/vocabulary.ts';
import type { Judged } from '../diagnosis/changes/with-changes.ts';
import { withChanges } from '../diagnosis/changes/with-changes.ts';
import type { Transition } from '../diagnosis/cause-tracker.ts';
import { transitionName } from '../diagnosis/cause-tracker.ts';
import { readHostPicture } from '../host/picture.ts';
import { readBusyProcesses } from '../host/proc/busy-processes.ts';
import { readRouteLines } from '../host/net/route-lines.ts';
import { readState, writeState } from '../host/fs/state-file.ts';
import { ChangeJournal } from './change-journal.ts';
import { History } from './history.ts';
import { IncidentManager } from './incident-manager.ts';
import type { Surrounds } from './incident.ts';
import { isRecord } from '../core/json.ts';
import { TraceReader } from './traces.ts';

const FILE = 'history.json';
const SAVE_SECONDS = 60;
/** An incident does not wait longer for a file system that hangs. */
const TRACE_SECONDS = 5;
const LOAD_MILLISECONDS = 2000;
const DAY_MILLISECONDS = 86_400_000;
/** Of the runner's log in an incident. */
const MAX_LINES = 100;

interface LogLine {
  readonly at: Instant;
  readonly text: string;
}

export interface RecorderOptions {
  readonly clock: Clock;
  readonly paths: Paths;
  /** Without one incidents live in memory. */
  readonly stateDirectory?: string;
  /** For a run that reads what the daemon has kept, and writes nothing. */
  readonly isReadOnly?: boolean;
  /** A change was noticed, so that causes have more to say. */
  readonly onChange?: () => void;
  /** Reports what could not be written. */
  readonly onProblem: (problem: string) => void;
  /** The last lines of the runner's log about an entry, or about the process as a whole for the empty name. */
  readonly runnerLog: (runner: string) => readonly LogLine[];
}

export class Recorder {
  readonly #stop = new AbortController();
  readonly #options: RecorderOptions;
  readonly #journal = new ChangeJournal();
  readonly #history = new History();
  readonly #traces: TraceReader;
  readonly #incidents: IncidentManager;
  #reading: Promise<void> | undefined;
  #savedAt = -Infinity;
  /** When the causes that last began, by what an earlier run kept. */
  #appearances: ReadonlyMap<string, Instant> = new Map();
  #isLoaded = false;
  /** The step of the clock that the journal has already. */
  #steppedAt: Instant | undefined;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#traces = new TraceReader(options.paths);
    const { isReadOnly = false, stateDirectory, ...others } = options;
    const isWriting = !isReadOnly && stateDirectory !== undefined;
    const writable = isWriting ? { ...others, stateDirectory } : others;
    this.#incidents = new IncidentManager({
      ...writable,
      withChanges: (view) => ({ ...view, diagnosis: this.explain(view) }),
      changes: (since) => this.#journal.changes(since),
      timeline: () => this.#history.timeline(options.clock.wall()),
      surrounds: async (view, runners) => await this.#surrounds(view, runners),
    });
  }

  /** Loads the state of an earlier run; it does not wait for a state directory that hangs. */
  async load(): Promise<void> {
    await Promise.race([this.#restore(), delay(LOAD_MILLISECONDS, undefined, { ref: false })]);
    const at = this.#options.clock.wall();
    this.#isLoaded = true;
    this.addEvent({ at, tone: 'note', kind: 'start', text: 'runnerwatch started' });
  }

  async #restore(): Promise<void> {
    const { stateDirectory } = this.#options;
    if (stateDirectory === undefined) return;
    this.#remember(await readState(stateDirectory, FILE));
    await this.#incidents.load();
  }

  #remember(memory: unknown): void {
    if (!isRecord(memory)) return;
    this.#journal.restore(memory['journal']);
    this.#history.restore(memory['history']);
  }

  /** For one round: reads what the daemon knew, and what is different now. */
  async recall(view: View): Promise<void> {
    const { stateDirectory } = this.#options;
    if (stateDirectory === undefined) return;
    const read = readState(stateDirectory, FILE).then((memory) => this.#remember(memory));
    await Promise.race([read, delay(LOAD_MILLISECONDS, undefined, { ref: false })]);
    this.#appearances = this.#history.appearances(view.snapshot.takenAt);
    await this.#refreshedTraces(view);
  }

  /** The causes with what changed before them. */
  explain(judged: Judged): Diagnosis {
    const changes = this.#journal.changes(judged.snapshot.takenAt - DAY_MILLISECONDS);
    return withChanges(judged, {
      changes,
      beganAt: ({ id }) => this.#appearances.get(id),
      isOfRepair: (change, cause) => isDuring(change, cause, this.#incidents.list()),
    });
  }

  /** What a reader may show. */
  past(): Past {
    return {
      timeline: this.#history.timeline(this.#options.clock.wall()),
      series: this.#history.series(),
      incidents: this.#incidents.list(),
    };
  }

  /** The file of one incident. */
  incident(id: string): string | undefined {
    return this.#incidents.text(id);
  }

  /** Something that is no judgement: a reload, a start. */
  addEvent(event: TimelineEvent): void {
    this.#history.add([event], this.#options.clock.wall());
  }

  /** Called after each judgement, with what it changed. Costs little and waits for nothing. */
  observe(view: View, transitions: readonly Transition[]): void {
    const at = view.snapshot.takenAt;
    this.#history.add(
      transitions.map((transition) => transitionEvent(transition, at)),
      at,
    );
    this.#history.sample(view.snapshot);
    this.#incidents.observe(view);
  }

  /** Called every few seconds: reads changes, unless the previous reading still waits for the file system; saves. */
  tick(view: View): void {
    this.#reading ??= this.#readTraces(view)
      .then(async () => await this.#save(false))
      .finally(() => {
        this.#reading = undefined;
      });
    void this.#incidents.flush(false);
  }

  /** Writes what is left, if the recorder has begun at all. */
  async stop(): Promise<void> {
    // An incident that begins now is written with what was read by now.
    this.#stop.abort(new Error('runnerwatch is stopping'));
    if (!this.#isLoaded) return;
    await Promise.all([this.#incidents.flush(true), this.#save(true)]);
  }

  /** Writes the history, now and then. */
  async #save(isLast: boolean): Promise<void> {
    const { stateDirectory, clock, onProblem, isReadOnly = false } = this.#options;
    const now = clock.seconds();
    if (
      isReadOnly ||
      stateDirectory === undefined ||
      (!isLast && now - this.#savedAt < SAVE_SECONDS)
    )
      return;
    this.#savedAt = now;
    const memory = { journal: this.#journal.save(), history: this.#history.save() };
    const problem = await writeState(stateDirectory, memory, FILE);
    if (problem !== undefined) onProblem(problem);
  }

  async #readTraces({ snapshot, self }: View): Promise<void> {
    const at = snapshot.takenAt;
    const step = stepOf(self.clockStep);
    const isNew = step !== undefined && step.at !== this.#steppedAt;
    this.#steppedAt = step?.at;
    if (isNew) this.#journal.add(step);
    const fresh = this.#journal.update(await this.#traces.read(snapshot), at);
    const changes = isNew ? [step, ...fresh] : fresh;
    this.#history.add(
      changes.map((change) => eventOf(change)),
      at,
    );
    if (changes.length > 0) this.#options.onChange?.();
  }

  /** A file system that hangs, or a stop, ends the wait. */
  async #refreshedTraces(view: View): Promise<void> {
    using deadline = deadlineOf(TRACE_SECONDS, this.#stop.signal);
    await withSignal(this.#refreshTraces(view), deadline.signal).catch(() => {});
  }

  /** Reads the changes once more now: the change that caused the fault may be newer than the last reading. */
  async #surrounds(view: View, runners: readonly string[]): Promise<Surrounds> {
    const { paths, runnerLog } = this.#options;
    const [routes = [], processes, hardware] = await Promise.all([
      readRouteLines(paths),
      readBusyProcesses(paths),
      readHostPicture(this.#stop.signal),
      this.#refreshedTraces(view),
    ]);
    return { routes, processes, hardware, runnerLog: linesOf(runners, runnerLog) };
  }

  async #refreshTraces(view: View): Promise<void> {
    await this.#reading;
    this.tick(view);
    await this.#reading;
  }
}

/** Another fault of its entries was confirmed before the change and lasted until then. */
function isDuring(
  { at }: Change,
  { id, scope }: Cause,
  incidents: readonly IncidentSummary[],
): boolean {
  return incidents.some(
    ({ cause, severity, confirmedAt, recoveredAt = Infinity, runners }) =>
      cause !== id &&
      (severity === 'critical' || severity === 'warning') &&
      confirmedAt <= at &&
      at <= recoveredAt &&
      runners.some((runner) => scope.runners.includes(runner)),
  );
}

/** What was written of these entries and of the process as a whole, oldest first. */
function linesOf(
  runners: readonly string[],
  runnerLog: RecorderOptions['runnerLog'],
): readonly string[] {
  return ['', ...runners]
    .flatMap((runner) => runnerLog(runner))
    .toSorted((a, b) => a.at - b.at)
    .slice(-MAX_LINES)
    .map(({ at, text }) => `${new Date(at).toISOString()} ${text}`);
}

const VERDICT_TONES = {
  healthy: 'good',
  degraded: 'warn',
  broken: 'bad',
  unsure: 'note',
} as const satisfies Readonly<Record<Verdict, Tone>>;
const SEVERITY_TONES = {
  critical: 'bad',
  warning: 'warn',
  notice: 'warn',
  info: 'note',
} as const satisfies Readonly<Record<Severity, Tone>>;

function transitionEvent(transition: Transition, at: Instant): TimelineEvent {
  const kind = transitionName(transition);
  if (transition.kind === 'verdict') {
    const { to, summary } = transition;
    return { at, tone: VERDICT_TONES[to], kind, text: `${to}: ${summary}` };
  }
  const { id, severity, summary } = transition.cause;
  const tone = transition.kind === 'resolved' ? 'good' : SEVERITY_TONES[severity];
  return { at, tone, kind, text: `${id}: ${summary}` };
}

function eventOf({ at, what, before, after }: Change): TimelineEvent {
  return { at, tone: 'note', kind: 'changed', text: `${what}: ${before} → ${after}` };
}

function stepOf(step: View['self']['clockStep']): Change | undefined {
  if (step === undefined) return undefined;
  const { at, seconds } = step;
  const text = `${seconds > 0 ? '+' : '−'}${Math.abs(seconds).toFixed(1)} s`;
  return {
    at,
    kind: 'clock',
    what: 'clock of this host',
    before: new Date(at - seconds * 1000).toISOString(),
    after: `${new Date(at).toISOString()} (set by ${text})`,
  };
}
