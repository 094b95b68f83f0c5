/** Faults of a file system that the Docker check sees too; and what this user may not see. */
import { isBelow } from '../../core/paths.ts';
import type { CheckState } from '../../core/check.ts';
import type { Cause } from '../../core/diagnosis.ts';
import type { RunnerTarget } from '../../core/target.ts';
import { detailOf } from '../../core/finding.ts';
import { BLIND } from '../../core/verdict.ts';
import type { Scope } from '../../core/vocabulary.ts';
import { buildCause, requireCause } from '../build-cause.ts';
import type { SnapshotIndex } from '../snapshot-index.ts';
import { factsOf, hasReason, isFail, isTroubled } from '../snapshot-index.ts';
import { causeOfCheck, specOfFinding } from './default.ts';

/** As discovery names the file system of Docker's images. */
const DOCKER_ROLE = 'Docker root';

/** One fault, one cause: the Docker check sees the same file system. */
export function fullDiskCauses(indexed: SnapshotIndex): readonly Cause[] {
  return indexed.statesOf('disk').flatMap((state) => {
    const [docker, ...others] = isFail(state) ? dockerChecksOn(state, indexed) : [];
    if (docker === undefined || specOfFinding(state)?.breaks === true) return [];
    const explains = [docker, ...others].map(({ check }) => check.id);
    if (!isDockerAlone(state)) return [causeOfCheck(state, indexed, { explains })];
    const spec = requireCause('disk-docker-root-full');
    const facts = { ...factsOf(docker), root: state.check.target.id };
    const runners = runnersOn([docker, ...others], indexed);
    return [causeOfCheck(state, indexed, { spec, facts, explains, runners })];
  });
}

/** Executor checks that found the root of Docker full on this file system. */
function dockerChecksOn({ check }: CheckState, indexed: SnapshotIndex): readonly CheckState[] {
  const { target } = check;
  if (target.kind !== 'mount' || !target.roles.includes(DOCKER_ROLE)) return [];
  return indexed
    .statesOf('executor')
    .filter((state) => hasReason(state, 'root-full'))
    .filter((state) => isBelow(String(factsOf(state)['root'] ?? ''), target.id));
}

/** Entries of these Docker engines: another engine may well have room. */
function runnersOn(
  states: readonly CheckState[],
  { context }: SnapshotIndex,
): readonly RunnerTarget[] {
  const ids = new Set(
    states.flatMap(({ check: { target } }) => (target.kind === 'executor' ? target.runners : [])),
  );
  return context.runners.filter(({ id }) => ids.has(id));
}

function isDockerAlone({ check: { target } }: CheckState): boolean {
  return target.kind === 'mount' && target.roles.every((role) => role === DOCKER_ROLE);
}

/** Everything that runnerwatch could not read for lack of permission, as one cause. */
export function blindCauses(indexed: SnapshotIndex): readonly Cause[] {
  const { context, snapshot } = indexed;
  const spec = requireCause(BLIND);
  const hidden = snapshot.checks.filter((state) => specOfFinding(state) === spec);
  const quiet = snapshot.checks.find((state) => !isTroubled(state));
  const [first = quiet, ...others] = hidden;
  if (first === undefined || (hidden.length === 0 && context.blind.length === 0)) return [];
  const cause = buildCause(indexed, {
    spec,
    states: [first, ...others],
    scopeId: snapshot.hostContext.host,
    runners: [],
    facts: {
      hidden: firstOf([...hidden.map(({ finding }) => detailOf(finding)), ...context.blind]),
    },
  });
  const own = context.blind.map((text) => ({
    check: first.check.id,
    at: snapshot.takenAt,
    text,
  }));
  return [{ ...cause, evidence: hidden.length === 0 ? own : [...cause.evidence, ...own] }];
}

/** The first of some sentences, and how many more there are. */
function firstOf([first = '', ...others]: readonly string[]): string {
  return others.length === 0 ? first : `${first}; and ${others.length} more, see the evidence`;
}

/** What a cause can concern without the file that names the entries. */
const WITHOUT_ENTRIES: ReadonlySet<Scope> = new Set(['host', 'mount', 'service', 'monitor']);

/** Where config.toml may not be read, nothing is known of entries: what would be said of them is a guess. */
export function withoutGuesses(causes: readonly Cause[], indexed: SnapshotIndex): readonly Cause[] {
  const isHidden = indexed.statesOf('config').some((state) => hasReason(state, 'unreadable'));
  return isHidden ? causes.filter(({ scope }) => WITHOUT_ENTRIES.has(scope.kind)) : causes;
}
