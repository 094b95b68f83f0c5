/**
 * Which systemd unit runs a process? Its control group is named after the unit.
 *
 * Source  /proc/PID/cgroup (cgroups(7)); names of units and slices by systemd.special(7) and systemd.slice(5).
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Paths } from '../../core/paths.ts';

export type ProcessUnit =
  | {
      readonly kind: 'service';
      /** `gitlab-runner.service`. */
      readonly unit: string;
      /** The user whose systemd runs it; absent for the system's. */
      readonly ownerId?: number;
    }
  /** It belongs to a session or a container. */
  | { readonly kind: 'other' }
  /** It is in the root group, which systemd leaves to the kernel, or its groups cannot be read. */
  | { readonly kind: 'unknown' };

export async function readProcessUnit(pid: number, paths: Paths): Promise<ProcessUnit> {
  const text = await readFile(join(paths.procfs, String(pid), 'cgroup'), 'utf8').catch(() => '');
  return unitOfGroups(text);
}

/** Version 2 names its one group by `0::`, version 1 that of systemd by its own hierarchy. */
export function unitOfGroups(text: string): ProcessUnit {
  const groups = text.split('\n').flatMap((line): readonly (readonly string[])[] => {
    const path = /^(?:0::|\d+:name=systemd:)(?<path>\/.*)$/.exec(line)?.groups?.['path'] ?? '';
    const parts = path.split('/').filter((part) => part !== '' && part !== '..');
    return parts.length === 0 ? [] : [parts];
  });
  if (groups.length === 0) return { kind: 'unknown' };
  return groups.flatMap((parts) => serviceOf(parts) ?? [])[0] ?? { kind: 'other' };
}

/** The innermost service, unless a session or a container lies inside it. */
function serviceOf(parts: readonly string[]): ProcessUnit | undefined {
  const manager = parts.findIndex((part) => /^user@\d+\.service$/.test(part));
  const own = parts.slice(manager + 1);
  const index = own.findLastIndex((part) => part.endsWith('.service'));
  const unit = own[index];
  if (unit === undefined || own.slice(index + 1).some((part) => isOther(part))) return undefined;
  if (manager === -1) return { kind: 'service', unit };
  return { kind: 'service', unit, ownerId: Number(/\d+/.exec(parts[manager] ?? '')?.[0]) };
}

/** A scope, or a container of an engine that makes its groups below its own: 64 digits. */
function isOther(part: string): boolean {
  return part.endsWith('.scope') || /[0-9a-f]{64}/.test(part);
}
