/** The runner's process, the host's resources, and what is hidden from us. */
import type { CheckState } from '../../core/check.ts';
import type { Cause } from '../../core/diagnosis.ts';
import type { CheckId } from '../../core/finding.ts';
import { reasonOf } from '../../core/finding.ts';
import { specOfReason } from '../catalogue/index.ts';
import { buildCause, requireCause } from '../build-cause.ts';
import type { SnapshotIndex } from '../snapshot-index.ts';
import { factsOf, hasReason, isFail } from '../snapshot-index.ts';

/** As config/ names the file system of Docker's images. */
const DOCKER_ROLE = 'Docker root';

export function processCauses(indexed: SnapshotIndex): readonly Cause[] {
  return causesOfProbe('service', indexed);
}

/** A disk that cannot be written, or does not answer, breaks whatever comes after it. */
export function brokenDiskCauses(indexed: SnapshotIndex): readonly Cause[] {
  return causesOfProbe('disk', indexed).filter(({ id }) => isBrokenDisk(id));
}

export function resourceCauses(indexed: SnapshotIndex): readonly Cause[] {
  const disks = fullDiskCauses(indexed);
  return [...disks, ...causesOfProbe('memory', indexed), ...causesOfProbe('cpu', indexed)];
}

/** One fault, one cause: where Docker keeps its images, its own check sees the same file system. */
function fullDiskCauses(indexed: SnapshotIndex): readonly Cause[] {
  return indexed.statesOf('disk').flatMap((state) =>
    causesOf(state, indexed)
      .filter(({ id }) => !isBrokenDisk(id))
      .map((cause) => {
        const explains = isFail(state) ? dockerChecksOn(state, indexed) : [];
        if (explains.length === 0 || !isDockerAlone(state)) return { ...cause, explains };
        const { id: scopeId, runners: ids } = cause.scope;
        const runners = indexed.hostContext.runners.filter(({ id }) => ids.includes(id));
        const spec = requireCause('disk-docker-root-full');
        const facts = { root: scopeId };
        return buildCause(indexed, { spec, states: [state], scopeId, runners, facts, explains });
      }),
  );
}

/** Executor checks that found the root of Docker full on this file system. */
function dockerChecksOn({ check }: CheckState, indexed: SnapshotIndex): readonly CheckId[] {
  const { target } = check;
  if (target.kind !== 'mount' || !target.roles.includes(DOCKER_ROLE)) return [];
  return indexed
    .statesOf('executor')
    .filter((state) => hasReason(state, 'root-full'))
    .filter((state) => isBelow(String(factsOf(state)['root'] ?? ''), target.id))
    .map((state) => state.check.id);
}

function isBelow(path: string, mountPoint: string): boolean {
  return path === mountPoint || path.startsWith(mountPoint === '/' ? '/' : `${mountPoint}/`);
}

function isDockerAlone({ check: { target } }: CheckState): boolean {
  return target.kind === 'mount' && target.roles.every((role) => role === DOCKER_ROLE);
}

function isBrokenDisk(id: string): boolean {
  return id === 'disk-read-only' || id === 'io-stalled';
}

/** What a check fails or warns with, for every entry of the host. */
export function causesOfProbe(probe: string, indexed: SnapshotIndex): readonly Cause[] {
  return indexed.statesOf(probe).flatMap((state) => causesOf(state, indexed));
}

function causesOf(state: CheckState, indexed: SnapshotIndex): readonly Cause[] {
  if (!isFail(state) && state.finding.status !== 'warn') return [];
  const { probe, target } = state.check;
  const spec = specOfReason(probe.id, reasonOf(state.finding) ?? '') ?? requireCause('unknown');
  const { runners } = indexed.hostContext;
  return [buildCause(indexed, { spec, states: [state], scopeId: target.id, runners })];
}

/** What runnerwatch could not see for lack of rights. */
export function blindCauses(indexed: SnapshotIndex): readonly Cause[] {
  const { hostContext, snapshot } = indexed;
  const hidden = snapshot.checks.filter(
    ({ check, finding }) =>
      specOfReason(check.probe.id, reasonOf(finding) ?? '')?.id === 'monitor-blind',
  );
  const [first = indexed.statesOf('config')[0] ?? snapshot.checks.at(-1)] = hidden;
  if (first === undefined || (hidden.length === 0 && hostContext.blind.length === 0)) return [];
  const cause = buildCause(indexed, {
    spec: requireCause('monitor-blind'),
    states: [first],
    scopeId: hostContext.host,
    runners: [],
  });
  const own = hostContext.blind.map((text) => ({
    check: first.check.id,
    at: snapshot.takenAt,
    text,
  }));
  return [{ ...cause, evidence: hidden.length === 0 ? own : [...cause.evidence, ...own] }];
}
