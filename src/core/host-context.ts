/**
 * What the daemon watches on this host: each installation of a runner, with the place where it lives, its process and
 * its config.toml.
 */
import type { Instant } from './clock.ts';
import type { LintState } from './lint.ts';
import type { Place } from './place.ts';
import type { FoundBy, Problem, RunnerProcess, RunnerProgram } from './reading.ts';
import type { EndpointTarget, Placed, RunnerTarget } from './target.ts';
import { plainIdOf } from './target.ts';

/** One installation: a config.toml, and the process that uses it. */
export interface RunnerContext {
  /** Where it lives; without a process, where one would be. */
  readonly place: Place;
  readonly process: RunnerProcess | undefined;
  /** While it does not run: the program that would start next, or that ran last. */
  readonly program?: RunnerProgram;
  readonly configPath: string;
  readonly configFoundBy: FoundBy;
  /** Whether the file on disk loads, and when one last did. */
  readonly configLoad: { readonly successful: boolean; readonly successAt: Instant | undefined };
  readonly configProblems: readonly Problem[];
  /** What could not be read for lack of rights, one sentence each. */
  readonly blind: readonly string[];
  readonly runners: readonly RunnerTarget[];
  readonly endpoints: readonly EndpointTarget[];
  /** The linter's report on config.toml; absent until the linter has run. */
  readonly lint?: LintState;
}

export interface HostContext {
  readonly host: string;
  /** Our own settings, where a flag names another file than the usual one. */
  readonly settingsFile?: string;
  /** A host without a runner has one context: that of the runner that would be there. */
  readonly contexts: readonly [RunnerContext, ...RunnerContext[]];
}

type Contexts = Pick<HostContext, 'contexts'>;

/** The installation that a target belongs to. What belongs to the host as a whole is asked of the first one. */
export function contextOf({ contexts }: Contexts, { place: id }: Placed): RunnerContext {
  return contexts.find(({ place }) => place.id === id) ?? contexts[0];
}

/** The entry that the runner means by this name in its log and its counters. */
export function runnerNamed(
  { runners }: Pick<RunnerContext, 'runners'>,
  name: string | undefined,
): RunnerTarget | undefined {
  return runners.find((target) => plainIdOf(target) === name);
}

/** All entries that it may mean: those with one token have one name. `abc#2`: see `uniqueIds` of the targets. */
export function runnersNamed(
  { runners }: Pick<RunnerContext, 'runners'>,
  name: string | undefined,
): readonly RunnerTarget[] {
  return runners.filter((target) => plainIdOf(target).replace(/#\d+$/, '') === name);
}

/** Where the runner of a target lives. */
export function placeOf(given: Contexts, target: Placed): Place {
  return contextOf(given, target).place;
}

/** The entries of all installations. */
export function allRunners({ contexts }: Contexts): readonly RunnerTarget[] {
  return contexts.flatMap(({ runners }) => runners);
}

export function allEndpoints({ contexts }: Contexts): readonly EndpointTarget[] {
  return contexts.flatMap(({ endpoints }) => endpoints);
}
