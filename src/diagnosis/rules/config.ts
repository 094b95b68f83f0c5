/** A config.toml that does not load, or entries that are invalid. */
import type { CheckState } from '../../core/check.ts';
import type { Cause } from '../../core/diagnosis.ts';
import type { CheckId } from '../../core/finding.ts';
import type { Problem } from '../../core/reading.ts';
import type { RunnerTarget } from '../../core/target.ts';
import { buildCause, requireCause } from '../build-cause.ts';
import type { SnapshotIndex } from '../snapshot-index.ts';
import { hasReason, isTroubled } from '../snapshot-index.ts';
import { causeOfCheck, specOfFinding } from './default.ts';

/** Faults of a file that a running process survives until it is restarted. */
const SURVIVED = new Set(['config-syntax-error', 'config-type-error']);

/** With a file that does not load, the runner exits sooner than this. */
const START_SECONDS = 10;

export function configCauses(indexed: SnapshotIndex): readonly Cause[] {
  return [...changeCauses(indexed), ...entryCauses(indexed)];
}

function changeCauses(indexed: SnapshotIndex): readonly Cause[] {
  const spec = requireCause('config-changed-not-loaded');
  return indexed
    .statesOf('config')
    .filter((state) => isTroubled(state) && SURVIVED.has(specOfFinding(state)?.id ?? ''))
    .filter((state) => hasOldConfig(state, indexed))
    .map((state) => causeOfCheck(state, indexed, { spec }));
}

/** A process that started before the change, or stays. In a crash loop a process exists now and then, too. */
function hasOldConfig({ check }: CheckState, indexed: SnapshotIndex): boolean {
  const { process: runner } = indexed.context;
  if (runner === undefined) return false;
  if (indexed.statesOf('service').some((state) => hasReason(state, 'crash-loop', 'failed')))
    return false;
  const modifiedAt = check.target.kind === 'config' ? check.target.reading.modifiedAt : undefined;
  const isOlder = modifiedAt !== undefined && runner.startedAt <= modifiedAt;
  return isOlder || indexed.snapshot.takenAt - runner.startedAt > START_SECONDS * 1000;
}

/** Problems of single entries; the file as a whole loads. */
function entryCauses(indexed: SnapshotIndex): readonly Cause[] {
  const [state] = indexed.statesOf('config');
  if (state === undefined || isTroubled(state)) return [];
  const all = indexed.context.configProblems;
  const unset = all.filter(({ code }) => code === 'env-unset');
  // A url that is invalid because of an unset variable is not a second fault.
  const emptied = new Set(unset.map((problem) => keyOf(problem)));
  const invalid = all.filter(
    (problem) => problem.code === 'url-invalid' && !emptied.has(keyOf(problem)),
  );
  return [
    ...entryCause('config-url-invalid', invalid, state, indexed),
    ...entryCause('config-env-unset', unset, state, indexed),
    ...entryCause(
      'config-env-not-filled',
      all.filter(({ code }) => code === 'env-not-filled'),
      state,
      indexed,
    ),
  ];
}

function keyOf({ key = '', line = 0 }: Problem): string {
  return `${key} ${line}`;
}

function entryCause(
  id: string,
  problems: readonly Problem[],
  state: CheckState,
  indexed: SnapshotIndex,
): readonly Cause[] {
  const [first] = problems;
  if (first === undefined) return [];
  const { configPath, runners } = indexed.context;
  const cause = buildCause(indexed, {
    spec: requireCause(id),
    states: [state],
    scopeId: configPath,
    runners: ownersOf(problems, runners),
    facts: {
      line: first.line ?? 0,
      ...(first.variable === undefined ? {} : { variable: first.variable }),
    },
    explains: pathChecksOf(
      problems.filter(({ key }) => key === 'runners.url'),
      indexed,
    ),
  });
  const evidence = problems.map(({ message, line = 0 }) => ({
    check: state.check.id,
    at: state.last?.startedAt ?? indexed.snapshot.takenAt,
    text: `line ${line}: ${message}`,
  }));
  return [{ ...cause, evidence }];
}

/** An entry owns the lines from its header to the next header. */
function ownersOf(
  problems: readonly Problem[],
  runners: readonly RunnerTarget[],
): readonly RunnerTarget[] {
  const owners = new Set(
    problems.map(({ line: at = 0 }) => runners.findLast(({ line }) => line <= at)),
  );
  return runners.filter((runner) => owners.has(runner));
}

/** Checks of an address that is not what the file meant. */
function pathChecksOf(problems: readonly Problem[], indexed: SnapshotIndex): readonly CheckId[] {
  const { runners, endpoints } = indexed.context;
  const owners = ownersOf(problems, runners);
  return endpoints
    .filter((endpoint) => indexed.runnersOf(endpoint).every((runner) => owners.includes(runner)))
    .flatMap((endpoint) => indexed.linksOf(endpoint))
    .map(({ check }) => check.id);
}
