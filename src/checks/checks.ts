/**
 * All checks of this host: the plan, the schedule, the state of each check, and the request budget for GitLab. What a
 * restart needs of them is saved in the state directory.
 */
import { hostname } from 'node:os';

import { Absences } from '../core/absences.ts';
import type { Check, CheckState } from '../core/check.ts';
import { walkId } from '../core/check.ts';
import type { Clock, Instant } from '../core/clock.ts';
import type { CheckId, ProbeResult } from '../core/finding.ts';
import type { Probe } from '../core/probe.ts';
import { requestKindsOf } from '../core/request.ts';
import type { PlanSettings } from '../core/settings.ts';
import type { Target } from '../core/target.ts';
import { readState, writeState } from '../host/fs/state-file.ts';
import type { Log } from '../log.ts';
import type { Watched } from './aimed-complaints.ts';
import type { Contradictions } from './contradictions.ts';
import { contradictionsOf, dropContradicted, NO_CONTRADICTIONS } from './contradictions.ts';
import { endpointIdOf } from './due.ts';
import type { FollowUpMemory } from './follow-up.ts';
import { checksOf, jobsOf } from './plan.ts';
import type { PossibleEnds } from './possible-ends.ts';
import { possibleEndsOf } from './possible-ends.ts';
import { RequestBudget } from './request-budget.ts';
import type { Job } from './run.ts';
import { runJob } from './run.ts';
import { paidMemoryOf, savedPaid, savedStateOf, stateDocument, stillValid } from './saved-state.ts';
import { phaseOf, Scheduler } from './scheduler.ts';
import type { Transition } from './store.ts';
import { isSameTarget, Store } from './store.ts';

export interface ChecksOptions {
  readonly probes: readonly Probe[];
  readonly requestsPerHour: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Without one, a restart starts with no state. */
  readonly stateDirectory?: string;
  /** Called after a result was stored. */
  readonly onResult: (result: ProbeResult, check: Check) => void;
}

export interface PlanRequest extends Watched {
  readonly targets: readonly Target[];
  readonly settings: PlanSettings;
}

export class Checks {
  readonly #options: ChecksOptions;
  readonly #store: Store;
  readonly #budget: RequestBudget;
  readonly #scheduler: Scheduler;
  #remembered: readonly ProbeResult[] = [];
  /** What follow-ups found with requests of the hourly budget. */
  #paid: FollowUpMemory = new Map();
  #checks: readonly Check[] = [];
  #jobs: readonly Job[] = [];
  #isRepeating = false;
  readonly #absences = new Absences();
  #watched: Watched | undefined;
  /** By check: the sign of an end for which its walk was brought forward. */
  #signs: ReadonlyMap<CheckId, Instant> = new Map();

  constructor(options: ChecksOptions) {
    const { clock, probes, requestsPerHour } = options;
    this.#options = options;
    this.#store = new Store(clock);
    this.#budget = new RequestBudget(clock, requestKindsOf(probes), requestsPerHour);
    this.#scheduler = new Scheduler(clock, hostname(), {
      onResult: (result, job) => this.#record(result, job),
      onMissed: (check) => this.#store.missed(check),
    });
  }

  /** Loads the state that an earlier run of the program saved. */
  async load(): Promise<void> {
    const { stateDirectory } = this.#options;
    if (stateDirectory === undefined) return;
    const { budget, results, paid } = savedStateOf(await readState(stateDirectory));
    this.#budget.restore(budget);
    this.#remembered = results;
    const { probes, clock } = this.#options;
    const reasons = new Set(probes.flatMap((probe) => Object.keys(probe.reasons)));
    this.#paid = paidMemoryOf(paid, reasons, clock);
  }

  /** Replaces the plan; states and schedules of checks that stay are kept. */
  plan({ targets, contexts, settings, logAt }: PlanRequest): void {
    const { probes, clock } = this.#options;
    this.#budget.limitTo(settings.requestsPerHour);
    this.#watched = { contexts, logAt };
    this.#checks = checksOf(probes, targets, settings, contexts);
    this.#store.adopt(this.#checks);
    const known = stillValid(this.#remembered, this.#checks, clock.wall());
    for (const result of known) this.#store.seed(result);
    this.#jobs = jobsOf(this.#checks, {
      clock,
      contexts,
      budget: this.#budget,
      reserve: this.#budget.reserve,
      absences: this.#absences,
      paid: this.#paid,
      contradicted: (checks) => this.#contradictedOf(checks),
      mayPass: (checks) => new Set(this.#signsOf(checks).keys()),
      logAt,
      known: (id) => this.#store.known(id),
      restore: (id) => this.#logChange(this.#store.restore(id)),
      phase: (id) => phaseOf(hostname(), id),
    });
    if (this.#isRepeating) this.#scheduler.replace(this.#jobs);
  }

  /** Runs every check once, due or not, each with its timeout; a second time where the process was suspended. */
  async runAll(stop: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    await Promise.all(
      this.#jobs.map(async (job) => {
        const onResult = (result: ProbeResult): void => this.#record(result, job);
        const request = { job, clock, stop, onResult, everything: true };
        const { lacksResults } = await runJob(request);
        if (lacksResults && !stop.aborted) await runJob(request);
      }),
    );
  }

  /** Repeats every check, by this plan and the ones to come. */
  repeat(): void {
    this.#isRepeating = true;
    this.#scheduler.replace(this.#jobs);
  }

  /** Makes a job due at once; `fresh` also reruns links that are not due. */
  trigger(job: string, isFresh: boolean): void {
    this.#scheduler.trigger(job, isFresh);
  }

  /** Brings a walk forward, once for each sign that a fault of its checks may be over: silence makes no event. */
  followSigns(): void {
    const before = this.#signs;
    this.#signs = this.#signsOf(this.#checks);
    const fresh = this.#checks.filter(({ id }) => this.#signs.get(id) !== before.get(id));
    for (const walk of new Set(fresh.map((check) => walkId(endpointIdOf(check)))))
      this.#scheduler.trigger(walk, false);
  }

  states(): readonly CheckState[] {
    const states = this.#store.states();
    return dropContradicted(states, this.#contradictions(states));
  }

  /** Every check has run once, or could not for a reason that it reports. */
  isComplete(): boolean {
    return this.#store.isComplete();
  }

  /** Requests sent to GitLab since start. */
  requests(): ReturnType<RequestBudget['counts']> {
    return this.#budget.counts();
  }

  /** How far the most overdue job is behind its schedule. */
  lagSeconds(): number {
    return this.#scheduler.lagSeconds();
  }

  /** The wall clock was set: timestamps of the old clock are converted. */
  shift(milliseconds: number): void {
    this.#signs = new Map([...this.#signs].map(([id, at]) => [id, at + milliseconds]));
    this.#store.shift(milliseconds);
    this.#budget.shift(milliseconds);
  }

  /** The process was suspended for that long: no result became old meanwhile. */
  forgive(seconds: number): void {
    this.#store.forgive(seconds);
  }

  async save(): Promise<void> {
    const { stateDirectory, log, clock } = this.#options;
    if (stateDirectory === undefined || this.#checks.length === 0) return;
    const state = {
      budget: this.#budget.saved(),
      results: this.#store.budgetedResults(),
      paid: savedPaid(this.#paid, clock),
    };
    const problem = await writeState(stateDirectory, stateDocument(state));
    if (problem !== undefined) log.debug({ problem }, 'state not written');
  }

  stop(): void {
    this.#scheduler.stop();
  }

  #contradictions(states: readonly CheckState[]): Contradictions {
    return this.#watched === undefined
      ? NO_CONTRADICTIONS
      : contradictionsOf(states, this.#watched, this.#options.clock.wall());
  }

  /** Passes that the runner contradicts, and that another request can tell about. */
  #contradictedOf(checks: readonly Check[]): ReadonlySet<CheckId> {
    const contradictions = this.#contradictions(this.#store.states());
    const own = checks.filter((check) => {
      const complaint = contradictions.against(check, this.#store.known(check.id)?.result);
      return complaint?.askedAgain.some((link) => link === check.probe.id) === true;
    });
    return new Set(own.map(({ id }) => id));
  }

  /** Checks that do not pass now, and may by what the runner says or no longer says; with the moment of that sign. */
  #signsOf(checks: readonly Check[]): ReadonlyMap<CheckId, Instant> {
    const possibleEnd = this.#possibleEnds();
    return new Map(
      checks.flatMap((check) => {
        const at = possibleEnd(check, this.#store.known(check.id)?.result);
        return at === undefined ? [] : [[check.id, at] as const];
      }),
    );
  }

  #possibleEnds(): PossibleEnds {
    if (this.#watched === undefined) return () => undefined;
    const states = this.#store.states();
    const now = this.#options.clock.wall();
    return possibleEndsOf(states, this.#watched, this.#contradictions(states), now);
  }

  /** A job of the last plan may end after the reload: its results count where their target is the same. */
  #record(result: ProbeResult, job: Job): void {
    const isOf = ({ id }: Check): boolean => id === result.check;
    const [check, source] = [this.#checks.find(isOf), job.checks.find(isOf)];
    if (check === undefined || source === undefined || !isSameTarget(source, check)) return;
    this.#logChange(this.#store.record(result));
    this.#options.onResult(result, check);
  }

  #logChange(transition: Transition | undefined): void {
    if (transition !== undefined) this.#options.log.debug({ ...transition }, 'check changed');
  }
}
