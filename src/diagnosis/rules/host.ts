/** The runner's process, the host's resources, and what is hidden from us. */
import type { Cause } from '../../core/diagnosis.ts';
import { reasonOf } from '../../core/finding.ts';
import { specOfReason } from '../catalogue/index.ts';
import { draft, mustHave } from '../draft.ts';
import type { Picture } from '../picture.ts';
import { isFail } from '../picture.ts';

export function processCauses(picture: Picture): readonly Cause[] {
  return causesOfProbe('service', picture);
}

/** A disk that cannot be written, or does not answer, breaks whatever comes after it. */
export function brokenDiskCauses(picture: Picture): readonly Cause[] {
  return causesOfProbe('disk', picture).filter(({ id }) => isBrokenDisk(id));
}

export function resourceCauses(picture: Picture): readonly Cause[] {
  const disks = causesOfProbe('disk', picture).filter(({ id }) => !isBrokenDisk(id));
  return [...disks, ...causesOfProbe('memory', picture), ...causesOfProbe('cpu', picture)];
}

function isBrokenDisk(id: string): boolean {
  return id === 'disk-read-only' || id === 'io-stalled';
}

function causesOfProbe(probe: string, picture: Picture): readonly Cause[] {
  return picture.statesOf(probe).flatMap((state) => {
    if (!isFail(state) && state.finding.status !== 'warn') return [];
    const spec = specOfReason(probe, reasonOf(state.finding) ?? '') ?? mustHave('unknown');
    const { runners } = picture.surroundings;
    return [draft(picture, { spec, states: [state], scopeId: state.check.target.id, runners })];
  });
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
