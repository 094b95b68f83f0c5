/** Two installations of the runner on one host, that share its resources and a GitLab. */
import type { CheckState, Snapshot } from '../../src/core/check.ts';
import { checkId } from '../../src/core/check.ts';
import type { RunnerContext } from '../../src/core/host-context.ts';
import { HOST_PATHS } from '../../src/core/paths.ts';
import type { Place } from '../../src/core/place.ts';
import type { EndpointTarget, RunnerTarget, Target, TargetKind } from '../../src/core/target.ts';
import { placeOnHost } from '../../src/host/place/on-host.ts';
import { runnerFiles } from '../../src/host/place/runner-files.ts';

const HERE = {
  paths: HOST_PATHS,
  program: 'gitlab-runner',
  user: { name: 'root', uid: 0 },
  host: { hasSystemd: true },
  engines: { dockerUnit: 'docker', hasPodmanUnit: false },
} as const;

export const FIRST: Place = placeOnHost({
  ...HERE,
  manager: { kind: 'systemd', unit: 'gitlab-runner.service' },
});
export const SECOND: Place = placeOnHost({
  ...HERE,
  manager: { kind: 'systemd', unit: 'second-runner.service' },
  user: { name: 'carol', uid: 1002 },
  files: runnerFiles('/srv/second/config.toml', '/home/carol/.gitlab-runner/certs', '/home/carol'),
});

const OF_THE_HOST: ReadonlySet<TargetKind> = new Set(['host', 'mount']);

/** The snapshot of one installation, as that of a place of its own: what belongs to it carries its name. */
export function inPlace(snapshot: Snapshot, place: Place): Snapshot {
  const [context] = snapshot.hostContext.contexts;
  const { log } = context.place;
  const own: RunnerContext = {
    ...context,
    place: { ...place, ...(log === undefined ? {} : { log }) },
    configPath: place.files.config,
    runners: context.runners.map((target) => placedTarget(target, place) as RunnerTarget),
    endpoints: context.endpoints.map((target) => placedTarget(target, place) as EndpointTarget),
  };
  return {
    ...snapshot,
    hostContext: { ...snapshot.hostContext, contexts: [own] },
    checks: snapshot.checks.map((state) => placedState(state, place)),
  };
}

/** Both on one host; what they share is seen once. */
export function together(first: Snapshot, second: Snapshot): Snapshot {
  const known = new Set(first.checks.map(({ check }) => check.id));
  const { host, contexts } = first.hostContext;
  return {
    ...first,
    hostContext: { host, contexts: [...contexts, ...second.hostContext.contexts] },
    checks: [...first.checks, ...second.checks.filter(({ check }) => !known.has(check.id))],
  };
}

function placedState(state: CheckState, place: Place): CheckState {
  const target = placedTarget(state.check.target, place);
  const id = checkId(state.check.probe.id, target.id);
  const last = state.last && { ...state.last, check: id };
  return { ...state, last, check: { ...state.check, id, target } };
}

function placedTarget(target: Target, { id: place, files }: Place): Target {
  if (OF_THE_HOST.has(target.kind)) return target;
  const placed = { ...target, place };
  const named = (id: string): string => (place === FIRST.id ? id : `${id}#${place}`);
  switch (placed.kind) {
    case 'service':
      return { ...placed, id: place };
    case 'config':
      return files.config === FIRST.files.config
        ? { ...placed, id: named(files.config), plainId: files.config }
        : { ...placed, id: files.config };
    case 'runner': {
      const { endpoint } = placed;
      return { ...placed, ...(endpoint === undefined ? {} : { endpoint: named(endpoint) }) };
    }
    case 'endpoint':
    case 'executor':
    case 'host':
    case 'mount':
      return { ...placed, id: named(placed.id), plainId: placed.id };
  }
}
