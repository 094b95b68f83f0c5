/**
 * Which systemd unit runs a process? Its control group is named after the unit.
 *
 * Source  /proc/PID/cgroup (cgroups(7)); names of units and slices by systemd.special(7) and systemd.slice(5).
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Paths } from '../../core/paths.ts';

export interface ProcessUnit {
  /** `gitlab-runner.service`. */
  readonly unit: string;
  /** The user whose systemd runs it; absent for the system's. */
  readonly ownerId?: number;
}

/** Undefined for a process of a session, of a container, or of a host without systemd. */
export async function readProcessUnit(pid: number, paths: Paths): Promise<ProcessUnit | undefined> {
  const text = await readFile(join(paths.procfs, String(pid), 'cgroup'), 'utf8').catch(() => '');
  return unitOfGroups(text);
}

/** Version 2 names its one group by `0::`, version 1 that of systemd by its own hierarchy. */
export function unitOfGroups(text: string): ProcessUnit | undefined {
  for (const line of text.split('\n')) {
    const path = /^(?:0::|\d+:name=systemd:)(?<path>\/.*)$/.exec(line)?.groups?.['path'] ?? '';
    const found = unitOfGroup(path);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The innermost service, unless a session or a container lies inside it. */
function unitOfGroup(path: string): ProcessUnit | undefined {
  const parts = path.split('/').filter((part) => part !== '');
  const manager = parts.findIndex((part) => /^user@\d+\.service$/.test(part));
  const own = parts.slice(manager + 1);
  const index = own.findLastIndex((part) => part.endsWith('.service'));
  const unit = own[index];
  if (unit === undefined || own.slice(index + 1).some((part) => isOther(part))) return undefined;
  if (manager === -1) return { unit };
  return { unit, ownerId: Number(/\d+/.exec(parts[manager] ?? '')?.[0]) };
}

/** A scope, or a container of an engine that makes its groups below its own: 64 digits. */
function isOther(part: string): boolean {
  return part.endsWith('.scope') || /[0-9a-f]{64}/.test(part);
}
