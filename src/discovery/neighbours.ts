/**
 * Several installations on one host: each target has an id of its own, and what they share is one target. The first
 * one has the same ids as if it were alone.
 */
import type { RunnerContext } from '../core/host-context.ts';
import type { Paths } from '../core/paths.ts';
import type { JobFolder, MountTarget, RunnerTarget, Target } from '../core/target.ts';
import type { FoundTargets } from './targets.ts';

/** One installation as it was found by itself. */
export interface Found {
  readonly context: RunnerContext;
  /** Undefined before the first reading. */
  readonly targets: FoundTargets | undefined;
}

/** The installations with ids that no two of them share. */
export function separateInstallations(installations: readonly Found[]): readonly Found[] {
  const taken = new Set<string>();
  const places = new Set<string>();
  return installations.map((one) => {
    const { context, targets } = placedApart(one, places);
    places.add(context.place.id);
    if (targets === undefined) return { context, targets };
    const own = targetsApart(targets, context, taken);
    for (const target of targetsIn(own)) taken.add(keyOf(target));
    return {
      context: { ...context, runners: own.runners, endpoints: own.endpoints },
      targets: own,
    };
  });
}

/** The targets of all: the host once, and file systems that several of them see once. */
export function allTargets(installations: readonly Found[]): readonly Target[] {
  const all = installations.flatMap(({ targets }) => (targets === undefined ? [] : [targets]));
  const [first] = all;
  if (first === undefined) return [];
  return [
    ...all.flatMap(({ config, service }) => [config, service]),
    first.host,
    ...sharedMounts(installations),
    ...all.flatMap(({ executors }) => executors),
    ...all.flatMap(({ endpoints }) => endpoints),
    ...all.flatMap(({ runners }) => runners),
  ];
}

function targetsIn({ config, endpoints, runners, executors }: FoundTargets): readonly Target[] {
  return [config, ...endpoints, ...runners, ...executors];
}

function keyOf({ kind, id }: Pick<Target, 'kind' | 'id'>): string {
  return `${kind} ${id}`;
}

/** Two processes of one unit, or two that a person started. */
function placedApart({ context, targets }: Found, taken: ReadonlySet<string>): Found {
  const { place, configPath } = context;
  if (!taken.has(place.id)) return { context, targets };
  const id = `${place.id}#${configPath}`;
  const placed = { context: { ...context, place: { ...place, id } } };
  if (targets === undefined) return { ...placed, targets };
  const at = <T extends Target>(target: T): T => ({ ...target, place: id });
  return {
    ...placed,
    targets: {
      ...targets,
      config: at(targets.config),
      service: { ...at(targets.service), id },
      mounts: targets.mounts.map(at),
      endpoints: targets.endpoints.map(at),
      runners: targets.runners.map(at),
      executors: targets.executors.map(at),
    },
  };
}

function targetsApart(
  targets: FoundTargets,
  { place }: RunnerContext,
  taken: ReadonlySet<string>,
): FoundTargets {
  const idOf = (kind: Target['kind'], id: string): string =>
    taken.has(keyOf({ kind, id })) ? `${id}#${place.id}` : id;
  const own = <T extends Target>(target: T): T => {
    const id = idOf(target.kind, target.id);
    return id === target.id ? target : { ...target, id, plainId: target.id };
  };
  const withEndpoint = (target: RunnerTarget): RunnerTarget =>
    target.endpoint === undefined
      ? target
      : { ...target, endpoint: idOf('endpoint', target.endpoint) };
  return {
    ...targets,
    config: own(targets.config),
    endpoints: targets.endpoints.map(own),
    runners: targets.runners.map((target) => own(withEndpoint(target))),
    executors: targets.executors.map((target) => ({
      ...own(target),
      runners: target.runners.map((id) => idOf('runner', id)),
    })),
    mounts: targets.mounts.map((target) => ({
      ...target,
      ...jobFoldersOf(target, (folder) => ({ ...folder, runner: idOf('runner', folder.runner) })),
    })),
  };
}

function jobFoldersOf(
  { jobFolders }: MountTarget,
  change: (folder: JobFolder) => JobFolder,
): Pick<MountTarget, 'jobFolders'> {
  return jobFolders === undefined ? {} : { jobFolders: jobFolders.map(change) };
}

interface SeenMount {
  readonly paths: Paths;
  readonly target: MountTarget;
}

/** One that several installations on the host write belongs to it, with all its uses. Below another root it is another one. */
function sharedMounts(installations: readonly Found[]): readonly MountTarget[] {
  const seen = installations.flatMap(({ context, targets }): readonly SeenMount[] =>
    (targets?.mounts ?? []).map((target) => ({ paths: context.place.paths, target })),
  );
  const perMount = Map.groupBy(seen, ({ paths, target }) => `${paths.rootfs} ${target.id}`);
  const merged = [...perMount.values()].flatMap((members) => asOne(members));
  const ids = new Set<string>();
  return merged.map((target) => {
    const { id, place = '' } = target;
    const isTaken = ids.has(id);
    ids.add(id);
    return isTaken ? { ...target, id: `${id}#${place}`, plainId: id } : target;
  });
}

function asOne(members: readonly SeenMount[]): readonly MountTarget[] {
  const [first, ...others] = members;
  if (first === undefined || others.length === 0) return members.map(({ target }) => target);
  const roles = [...new Set(members.flatMap(({ target }) => target.roles))];
  const { place: _place, ...shared } = first.target;
  const jobFolders = members.flatMap(({ target }) => target.jobFolders ?? []);
  return [
    {
      ...(first.paths.container === undefined ? shared : first.target),
      roles,
      ...(members.some(({ target }) => target.isOfJobs) ? { isOfJobs: true } : {}),
      ...(jobFolders.length === 0 ? {} : { jobFolders }),
    },
  ];
}
