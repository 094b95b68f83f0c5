/**
 * The only place where the parts meet: discovery → checks → diagnosis → view, and the recorder beside them.
 *
 * Promises: readers get the last view and never cause a probe; a reload builds a complete new plan and swaps it, and
 * a bad settings file changes nothing but a flag; stopping ends within five seconds.
 */
import { ClockWatch } from './checks/clock-steps.ts';
import { Checks } from './checks/checks.ts';
import type { ReloaderOptions } from './config/settings/reloader.ts';
import { SettingsReloader } from './config/settings/reloader.ts';
import type { Check, Snapshot } from './core/check.ts';
import type { Instant } from './core/clock.ts';
import type { Diagnosis } from './core/diagnosis.ts';
import type { ProbeResult } from './core/finding.ts';
import type { Paths } from './core/paths.ts';
import type { Probe } from './core/probe.ts';
import { VERSION } from './core/version.ts';
import type { SelfState, View } from './core/view.ts';
import type { Transition } from './diagnosis/cause-tracker.ts';
import { CauseTracker, logTransitions, transitionsBetween } from './diagnosis/cause-tracker.ts';
import { diagnose } from './diagnosis/diagnose.ts';
import { Discovery } from './discovery/discovery.ts';
import { hostFacts } from './host/picture.ts';
import { LintWatches } from './lint/lint-watches.ts';
import { Recorder } from './recorder/recorder.ts';
import { EventTrigger } from './runner/event-trigger.ts';

/** The runner itself checks its config.toml every 3 s. */
const TICK_SECONDS = 3;
const SAVE_SECONDS = 10;
/** Without a tick for this long the event loop or discovery is stuck. */
const STUCK_SECONDS = 30;

/** What the daemon is given from outside, by the commands and by the tests. */
export interface DaemonOptions extends ReloaderOptions {
  readonly probes: readonly Probe[];
  readonly paths: Paths;
  /** Our own settings, where a flag names another file than the usual one. */
  readonly settingsFile?: string;
  readonly stateDirectory?: string;
  readonly demo?: boolean;
  /** False for a command that runs once: incidents and history are the daemon's to write. */
  readonly isRecording?: boolean;
  readonly onResult?: (result: ProbeResult, probe: Probe) => void;
}

export class Daemon {
  readonly #options: DaemonOptions;
  readonly #settings: SettingsReloader;
  readonly #discovery: Discovery;
  readonly #lint: LintWatches;
  readonly #checks: Checks;
  readonly #events: EventTrigger;
  readonly #tracker = new CauseTracker();
  readonly #recorder: Recorder;
  readonly #clockWatch: ClockWatch;
  readonly #startedAt: Instant;
  readonly #stop = new AbortController();
  readonly #listeners = new Set<() => void>();
  #view: View;
  /** The last judgement that was published; undefined before the first. */
  #judged: Diagnosis | undefined;
  #hostFacts: SelfState['hostFacts'] = {};
  #timers: readonly NodeJS.Timeout[] = [];
  #tickedSeconds: number;
  #isListening = false;
  #isRecording = false;
  #isRenewalDue = false;

  constructor(options: DaemonOptions) {
    const { clock, paths, settings, settingsFile } = options;
    this.#options = options;
    this.#startedAt = clock.wall();
    this.#tickedSeconds = clock.seconds();
    this.#clockWatch = new ClockWatch(clock);
    this.#settings = new SettingsReloader(options);
    this.#discovery = new Discovery({ paths, clock, settingsFile });
    this.#lint = new LintWatches(clock);
    this.#checks = new Checks({
      ...options,
      requestsPerHour: settings.requestsPerHour,
      onResult: (result, check) => this.#onResult(result, check),
    });
    this.#events = new EventTrigger(options, (...job) => this.#checks.trigger(...job));
    this.#recorder = new Recorder({
      ...recorderOptions(options),
      runnerLog: (runner) => this.#events.lastLines(runner),
      onChange: () => this.#renewSoon(),
    });
    const snapshot = this.#snapshot();
    this.#view = this.#buildView(snapshot, diagnose(snapshot));
  }

  /** The last view. Costs nothing; it is renewed by results and ticks, never by readers. */
  view(): View {
    return this.#view;
  }

  /** Called after each change of the view; returns the function that ends it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The file of an incident. */
  incident(id: string): string | undefined {
    return this.#recorder.incident(id);
  }

  /** One full round of every check, each within its deadline. */
  async once(): Promise<View> {
    await this.#prepare();
    await Promise.all([this.#checks.runAll(this.#stop.signal), this.#lint.whenIdle()]);
    this.#renew();
    await this.#recorder.recall(this.view());
    this.#renew();
    return this.view();
  }

  /** Repeats every check until `stop`. */
  async start(): Promise<void> {
    await this.#prepare();
    await this.#recorder.load();
    const snapshot = this.#snapshot();
    this.#view = this.#buildView(snapshot, diagnose(snapshot));
    // What changes from now on is seen, even before the first check has ended.
    this.#recorder.tick(this.#view);
    this.#isRecording = true;
    this.#checks.repeat();
    this.#timers = [
      setInterval(() => void this.#tick(), TICK_SECONDS * 1000),
      setInterval(() => void this.#checks.save(), SAVE_SECONDS * 1000),
    ];
  }

  /** The listeners are up: part of being ready. */
  markListening(): void {
    this.#isListening = true;
    this.#renew();
  }

  /** Reads the settings and the runner's config again; a bad settings file keeps the old settings. */
  async reload(): Promise<readonly string[]> {
    const { problems, event } = await this.#settings.reload();
    this.#recorder.addEvent(event);
    await this.#discover();
    this.#plan();
    this.#renew();
    return problems;
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    for (const part of [this.#checks, this.#events, this.#lint]) part.stop();
    this.#stop.abort(new Error('runnerwatch is stopping'));
    await Promise.all([this.#checks.save(), this.#recorder.stop()]);
  }

  async #prepare(): Promise<void> {
    const [facts] = await Promise.all([
      hostFacts(this.#options.paths),
      this.#checks.load(),
      this.#discover(),
    ]);
    this.#hostFacts = facts;
    this.#plan();
  }

  /** Reads what the plan depends on, and hands config.toml to the linter; true when targets may have changed. */
  async #discover(): Promise<boolean> {
    const isChanged = await this.#discovery.refresh(this.#settings.current());
    this.#lint.update(this.#discovery.configSources());
    return isChanged;
  }

  #plan(): void {
    const { contexts } = this.#discovery.hostContext();
    this.#events.follow(contexts);
    this.#checks.plan({
      contexts,
      targets: this.#discovery.targets(),
      settings: this.#settings.current(),
      logAt: (place) => this.#events.logAt(place),
    });
  }

  async #tick(): Promise<void> {
    const { clock, log } = this.#options;
    this.#tickedSeconds = clock.seconds();
    this.#followClock();
    this.#checks.followSigns();
    if (this.#discovery.isReading) return this.#renew();
    const isChanged = await this.#discover();
    if (this.#stop.signal.aborted) return;
    if (isChanged) {
      const [{ configPath: config }] = this.#discovery.hostContext().contexts;
      log.info({ config }, 'host context changed');
      this.#plan();
    }
    this.#renew();
    this.#recorder.tick(this.view());
  }

  #onResult(result: ProbeResult, { probe }: Check): void {
    this.#events.observe(result);
    if (result.finding.status !== 'skipped') this.#options.onResult?.(result, probe);
    this.#renewSoon();
  }

  /** At the end of this turn of the event loop: several results of one walk make one view. */
  #renewSoon(): void {
    if (this.#isRenewalDue) return;
    this.#isRenewalDue = true;
    setImmediate(() => this.#renew());
  }

  /** Diagnoses the current state; notifies listeners once, and only of a change. */
  #renew(): void {
    this.#isRenewalDue = false;
    // After a suspension results may arrive before the tick: first correct the age of the older ones.
    this.#followClock();
    const snapshot = this.#snapshot();
    const settled = this.#tracker.settle(diagnose(snapshot), snapshot);
    const diagnosis = this.#recorder.explain({
      diagnosis: settled,
      snapshot,
      probes: this.#options.probes,
    });
    const transitions = transitionsBetween(this.#judged, diagnosis);
    this.#judged = diagnosis;
    this.#view = this.#buildView(snapshot, diagnosis);
    logTransitions(this.#options.log, transitions);
    if (this.#isRecording) this.#record(transitions);
    for (const listener of this.#listeners) listener();
  }

  #record(transitions: readonly Transition[]): void {
    const view = this.#view;
    this.#recorder.observe(view, transitions);
    // The change that caused it is newer than the last reading.
    if (transitions.some(({ kind }) => kind === 'appeared')) this.#recorder.tick(view);
  }

  #followClock(): void {
    this.#clockWatch.follow(this.#options.log, this.#checks, [this.#tracker, this.#events]);
  }

  #snapshot(): Snapshot {
    return {
      takenAt: this.#options.clock.wall(),
      hostContext: this.#lint.reportedIn(this.#discovery.hostContext()),
      checks: this.#checks.states(),
      explained: this.#tracker.explained(),
    };
  }

  #buildView(snapshot: Snapshot, diagnosis: Diagnosis): View {
    const { probes } = this.#options;
    return { snapshot, diagnosis, self: this.#self(), past: this.#recorder.past(), probes };
  }

  #self(): SelfState {
    const { clock, demo } = this.#options;
    const schedulerLagSeconds = this.#checks.lagSeconds();
    return {
      version: VERSION,
      startedAt: this.#startedAt,
      ready: this.#isListening && this.#checks.isComplete(),
      alive: Math.max(schedulerLagSeconds, clock.seconds() - this.#tickedSeconds) < STUCK_SECONDS,
      schedulerLagSeconds,
      settings: this.#settings.state(),
      requests: this.#checks.requests(),
      logEvents: this.#events.counts(),
      clockStep: this.#clockWatch.lastStep,
      hostFacts: this.#hostFacts,
      demo: demo ?? false,
    };
  }
}

function recorderOptions({ clock, paths, log, stateDirectory, isRecording }: DaemonOptions) {
  return {
    clock,
    paths,
    ...(stateDirectory === undefined ? {} : { stateDirectory }),
    isReadOnly: isRecording === false,
    onProblem: (problem: string) => log.warn({ problem }, 'incident or history not written'),
  };
}
