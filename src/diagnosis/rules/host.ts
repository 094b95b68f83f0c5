/** The runner's process, the host's resources, and what is hidden from us. */
import type { CheckState } from '../../core/check.ts';
import type { Cause } from '../../core/diagnosis.ts';
import type { CheckId } from '../../core/finding.ts';
import { reasonOf } from '../../core/finding.ts';
import { specOfReason } from '../catalogue/index.ts';
import { draft, mustHave } from '../build-cause.ts';
import type { Picture } from '../snapshot-index.ts';
import { factsOf, hasReason, isFail } from '../snapshot-index.ts';

/** As config/ names the file system of Docker's images. */
const DOCKER_ROLE = 'Docker root';

export function processCauses(picture: Picture): readonly Cause[] {
  return causesOfProbe('service', picture);
}

/** A disk that cannot be written, or does not answer, breaks whatever comes after it. */
export function brokenDiskCauses(picture: Picture): readonly Cause[] {
  return causesOfProbe('disk', picture).filter(({ id }) => isBrokenDisk(id));
}

export function resourceCauses(picture: Picture): readonly Cause[] {
  const disks = fullDiskCauses(picture);
  return [...disks, ...causesOfProbe('memory', picture), ...causesOfProbe('cpu', picture)];
}

/** One fault, one cause: where Docker keeps its images, its own check sees the same file system. */
function fullDiskCauses(picture: Picture): readonly Cause[] {
  return picture.statesOf('disk').flatMap((state) =>
    causesOf(state, picture)
      .filter(({ id }) => !isBrokenDisk(id))
      .map((cause) => {
        const explains = isFail(state) ? dockerChecksOn(state, picture) : [];
        if (explains.length === 0 || !isDockerAlone(state)) return { ...cause, explains };
        const { id: scopeId, runners: ids } = cause.scope;
        const runners = picture.surroundings.runners.filter(({ id }) => ids.includes(id));
        const spec = mustHave('disk-docker-root-full');
        const facts = { root: scopeId };
        return draft(picture, { spec, states: [state], scopeId, runners, facts, explains });
      }),
  );
}

/** Executor checks that found the root of Docker full on this file system. */
function dockerChecksOn({ check }: CheckState, picture: Picture): readonly CheckId[] {
  const { target } = check;
  if (target.kind !== 'mount' || !target.roles.includes(DOCKER_ROLE)) return [];
  return picture
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
export function causesOfProbe(probe: string, picture: Picture): readonly Cause[] {
  return picture.statesOf(probe).flatMap((state) => causesOf(state, picture));
}

function causesOf(state: CheckState, picture: Picture): readonly Cause[] {
  if (!isFail(state) && state.finding.status !== 'warn') return [];
  const { probe, target } = state.check;
  const spec = specOfReason(probe.id, reasonOf(state.finding) ?? '') ?? mustHave('unknown');
  const { runners } = picture.surroundings;
  return [draft(picture, { spec, states: [state], scopeId: target.id, runners })];
}

/** What runnerwatch could not see for lack of rights. */
export function blindCauses(picture: Picture): readonly Cause[] {
  const { surroundings, snapshot } = picture;
  const hidden = snapshot.checks.filter(
    ({ check, finding }) =>
      specOfReason(check.probe.id, reasonOf(finding) ?? '')?.id === 'monitor-blind',
  );
  const [first = picture.statesOf('config')[0] ?? snapshot.checks.at(-1)] = hidden;
  if (first === undefined || (hidden.length === 0 && surroundings.blind.length === 0)) return [];
  const cause = draft(picture, {
    spec: mustHave('monitor-blind'),
    states: [first],
    scopeId: surroundings.host,
    runners: [],
  });
  const own = surroundings.blind.map((text) => ({
    check: first.check.id,
    at: snapshot.takenAt,
    text,
  }));
  return [{ ...cause, evidence: hidden.length === 0 ? own : [...cause.evidence, ...own] }];
}
