/**
 * The only place where the parts meet: the host → plan → scheduler → store → diagnosis → view.
 *
 * Promises: readers get the last view and never cause a probe; a reload builds a complete new plan and
 * swaps it, and a bad settings file changes nothing but a flag; stopping ends within five seconds.
 */
import { hostname } from 'node:os';

import type { Check, Snapshot } from './core/check.ts';
import type { Instant } from './core/clock.ts';
import type { ProbeResult } from './core/finding.ts';
import { VERSION } from './core/version.ts';
import type { SelfState, View } from './core/view.ts';
import type { DaemonOptions } from './daemon-options.ts';
import { recorderOf } from './daemon-recorder.ts';
import { diagnose } from './diagnosis/diagnose.ts';
import { readState, writeState } from './host/fs/state-file.ts';
import { hostFacts } from './host/picture.ts';
import { RequestBudget } from './checks/request-budget.ts';
import type { SavedState } from './checks/saved-state.ts';
import { EMPTY_STATE, stateDocument, savedStateOf, stillValid } from './checks/saved-state.ts';
import { checksOf, jobsOf } from './checks/plan.ts';
import { ClockWatch } from './checks/clock-steps.ts';
import { EventTrigger } from './runner/event-trigger.ts';
import type { Recorder } from './recorder/recorder.ts';
import type { Job } from './checks/run.ts';
import { runJob } from './checks/run.ts';
import { phaseOf, Scheduler } from './checks/scheduler.ts';
import { SettingsReloader } from './settings-keeper.ts';
import { Store } from './checks/store.ts';
import { Discovery } from './discovery/discovery.ts';
import { CauseTracker } from './diagnosis/cause-tracker.ts';
import { ViewCache } from './diagnosis/view-cache.ts';

/** The runner itself looks at its config.toml every 3 s. */
const WATCH_SECONDS = 3;
const SAVE_SECONDS = 10;
/** Without a tick for this long the event loop or the watch is stuck. */
const STUCK_SECONDS = 30;

export class Daemon {
  readonly #options: DaemonOptions;
  readonly #store: Store;
  readonly #scheduler: Scheduler;
  readonly #watch: Discovery;
  readonly #startedAt: Instant;
  readonly #views: ViewCache;
  readonly #stop = new AbortController();
  readonly #tracker = new CauseTracker();
  readonly #recorder: Recorder;
  readonly #keeper: SettingsReloader;
  readonly #news: EventTrigger;
  readonly #clockWatch: ClockWatch;
  #budget: RequestBudget;
  #savedState: SavedState = EMPTY_STATE;
  #checks: readonly Check[] = [];
  #jobs: readonly Job[] = [];
  #hostFacts: SelfState['hostFacts'] = {};
  #ticks: NodeJS.Timeout[] = [];
  #lastTickSeconds: number;
  #listening = false;

  constructor(options: DaemonOptions) {
    this.#options = options;
    const { clock, paths, runnerConfigPath: configPath } = options;
    this.#startedAt = clock.wall();
    this.#lastTickSeconds = clock.seconds();
    this.#store = new Store(clock);
    this.#recorder = recorderOf(options, () => this.#news);
    this.#keeper = new SettingsReloader(options, this.#recorder);
    this.#views = new ViewCache(() => this.#newView(), options.log);
    this.#budget = new RequestBudget(clock, options.settings.requestsPerHour);
    this.#watch = new Discovery({
      paths,
      clock,
      configPath,
      settings: () => this.#keeper.settings(),
    });
    this.#scheduler = new Scheduler(clock, hostname(), {
      onResult: (result) => this.#record(result),
      onMissed: (check) => this.#store.missed(check),
    });
    this.#clockWatch = new ClockWatch(clock);
    this.#news = new EventTrigger(options, (...job) => this.#scheduler.trigger(...job));
  }

  /** The last view. Costs nothing; it is renewed by results and ticks, never by readers. */
  view(): View {
    return this.#views.view();
  }

  /** Called after each change of the view; returns the function that ends it. */
  onChange(listener: () => void): () => void {
    return this.#views.onChange(listener);
  }

  /** The file of an incident. */
  incident(id: string): string | undefined {
    return this.#recorder.incident(id);
  }

  /** One full round of every check, each within its deadline. */
  async once(): Promise<View> {
    await this.#prepare();
    const onResult = (result: ProbeResult): void => this.#record(result);
    const common = { clock: this.#options.clock, stop: this.#stop.signal, onResult };
    const jobs = this.#jobs.map(async (job) => await runJob({ job, ...common, everything: true }));
    await Promise.all([...jobs, this.#watch.lintSettled()]);
    this.#views.renew();
    return this.view();
  }

  /** Repeats every check until `stop`. */
  async start(): Promise<void> {
    await this.#prepare();
    await this.#recorder.load();
    this.#views.onChange(() => this.#recorder.observe(this.view()));
    this.#scheduler.replace(this.#jobs);
    this.#ticks = [
      setInterval(() => void this.#tick(), WATCH_SECONDS * 1000),
      setInterval(() => void this.#save(), SAVE_SECONDS * 1000),
    ];
  }

  /** The listeners are up: part of being ready. */
  markListening(): void {
    this.#listening = true;
    this.#views.renew();
  }

  /** Reads the settings and the runner's config again; a bad settings file keeps the old settings. */
  async reload(): Promise<readonly string[]> {
    const problems = await this.#keeper.reload();
    this.#budget.limitTo(this.#keeper.settings().requestsPerHour);
    await this.#watch.refresh();
    this.#replan();
    this.#scheduler.replace(this.#jobs);
    this.#views.renew();
    return problems;
  }

  async stop(): Promise<void> {
    for (const tick of this.#ticks) clearInterval(tick);
    for (const part of [this.#scheduler, this.#news, this.#watch]) part.stop();
    this.#stop.abort(new Error('runnerwatch is stopping'));
    await Promise.all([this.#save(), this.#recorder.stop()]);
  }

  async #prepare(): Promise<void> {
    const { stateDirectory } = this.#options;
    const [facts, document] = await Promise.all([
      hostFacts(this.#options.paths),
      stateDirectory === undefined ? undefined : readState(stateDirectory),
      this.#watch.refresh(),
    ]);
    this.#hostFacts = facts;
    this.#savedState = savedStateOf(document);
    const { requestsPerHour } = this.#keeper.settings();
    this.#budget = new RequestBudget(this.#options.clock, requestsPerHour, this.#savedState.budget);
    this.#replan();
  }

  /** A complete new plan from settings and the host; states of checks that stay move over. */
  #replan(): void {
    const { probes, clock, paths } = this.#options;
    this.#checks = checksOf(probes, this.#watch.targets(), this.#keeper.settings());
    this.#store.adopt(this.#checks);
    this.#news.follow(this.#watch.targets());
    const remembered = stillValid(this.#savedState.results, this.#checks, clock.wall());
    for (const result of remembered) this.#store.seed(result);
    this.#jobs = jobsOf(this.#checks, {
      clock,
      paths,
      budget: this.#budget,
      runnerLog: this.#news.log,
      known: (id) => this.#store.known(id),
      restore: (id) => void this.#store.restore(id),
      phase: (id) => phaseOf(hostname(), id),
    });
  }

  async #tick(): Promise<void> {
    const { clock, log } = this.#options;
    this.#lastTickSeconds = clock.seconds();
    this.#followClock();
    if (this.#watch.isLooking) return this.#views.renew();
    const isChanged = await this.#watch.refresh();
    if (this.#stop.signal.aborted) return;
    if (isChanged) {
      log.info({ config: this.#watch.hostContext().configPath }, 'host context changed');
      this.#replan();
      this.#scheduler.replace(this.#jobs);
    }
    this.#views.renew();
    this.#recorder.tick(this.view());
  }

  #record(result: ProbeResult): void {
    const { log, onResult } = this.#options;
    const transition = this.#store.record(result);
    if (transition !== undefined) log.debug({ ...transition }, 'check changed');
    this.#news.observe(result);
    const probe = this.#checks.find(({ id }) => id === result.check)?.probe;
    if (probe !== undefined && result.finding.status !== 'skipped') onResult?.(result, probe);
    this.#views.renewSoon();
  }

  #newView(): View {
    this.#followClock();
    const snapshot: Snapshot = {
      takenAt: this.#options.clock.wall(),
      hostContext: this.#watch.hostContext(),
      checks: this.#store.states(),
    };
    const diagnosis = this.#tracker.settle(diagnose(snapshot), snapshot);
    const { probes } = this.#options;
    return { snapshot, diagnosis, self: this.#self(), past: this.#recorder.past(), probes };
  }

  #followClock(): void {
    const dated = [this.#tracker, this.#budget, this.#news];
    this.#clockWatch.follow(this.#options.log, this.#store, dated);
  }

  #self(): SelfState {
    const { clock, demo } = this.#options;
    const schedulerLagSeconds = this.#scheduler.lagSeconds();
    return {
      version: VERSION,
      startedAt: this.#startedAt,
      ready: this.#listening && this.#store.isComplete(),
      alive: Math.max(schedulerLagSeconds, clock.seconds() - this.#lastTickSeconds) < STUCK_SECONDS,
      schedulerLagSeconds,
      settings: this.#keeper.state(),
      runnerConfig: this.#watch.configLoad(),
      requests: this.#budget.counts(),
      logEvents: this.#news.counts(),
      clockStep: this.#clockWatch.lastStep,
      hostFacts: this.#hostFacts,
      demo: demo ?? false,
    };
  }

  async #save(): Promise<void> {
    const { stateDirectory, log } = this.#options;
    if (stateDirectory === undefined || this.#checks.length === 0) return;
    const state = { budget: this.#budget.saved(), results: this.#store.budgetedResults() };
    const problem = await writeState(stateDirectory, stateDocument(state));
    if (problem !== undefined) log.debug({ problem }, 'state not written');
  }
}
