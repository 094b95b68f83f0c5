/**
 * Which container does a control group belong to? Engines name the groups after their containers.
 *
 * Source  /proc/PID/cgroup (cgroups(7)); docs/reference/runner-places.md#control-groups.
 */
import type { Engine } from '../../core/container.ts';

export interface ContainerId {
  /** Absent where the group does not tell. */
  readonly engine?: Engine;
  /** 64 hexadecimal digits. */
  readonly id: string;
}

const ID = '(?<id>[0-9a-f]{64})';
/** One part of the path of a group. */
const PARTS: readonly (readonly [pattern: RegExp, engine: Engine | undefined])[] = [
  [new RegExp(`^docker-${ID}\\.scope$`), 'docker'],
  [new RegExp(`^libpod-(?:payload-)?${ID}(?:\\.scope)?$`), 'podman'],
  [new RegExp(`^(?:.*:)?cri-containerd[-:]${ID}(?:\\.scope)?$`), 'containerd'],
  [new RegExp(`^nerdctl-${ID}\\.scope$`), 'containerd'],
  [new RegExp(`^crio-${ID}(?:\\.scope)?$`), 'cri-o'],
  [new RegExp(`^${ID}$`), undefined],
];
const POD = /^(?:.*-)?pod[0-9a-f][-_0-9a-f]+(?:\.slice)?$/;

/** Of a container in a container the inner one. */
export function containerIdOf(groups: string): ContainerId | undefined {
  const paths = groups.split('\n').map((line) => line.split(':').slice(2).join(':'));
  const found = paths.flatMap((path) => inPath(path.split('/')) ?? []);
  return found.find(({ engine }) => engine !== undefined) ?? found[0];
}

function inPath(parts: readonly string[]): ContainerId | undefined {
  const index = parts.findLastIndex((part) => PARTS.some(([pattern]) => pattern.test(part)));
  const part = parts[index] ?? '';
  const [pattern, named] = PARTS.find(([one]) => one.test(part)) ?? [];
  const id = pattern?.exec(part)?.groups?.['id'];
  if (id === undefined) return undefined;
  const engine = named ?? engineAbove(parts[index - 1] ?? '');
  return engine === undefined ? { id } : { engine, id };
}

/** Without systemd the folder above tells: that of Docker, or of a pod. */
function engineAbove(part: string): Engine | undefined {
  if (part === 'docker') return 'docker';
  return POD.test(part) ? 'containerd' : undefined;
}
