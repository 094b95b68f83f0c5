/** What a host has to start services and to install packages, by the files of its programs and units. */

import type { Paths } from '../../core/paths.ts';
import { hasSystemd } from '../systemd/systemd.ts';
import { findUnitFile } from '../systemd/unit-files.ts';
import type { EngineServices } from './engine.ts';
import { DOCKER_UNITS } from './engine.ts';
import type { HostFacts, PackageManager } from './host-commands.ts';
import { readResolverWriter } from './resolver-writer.ts';
import { isThereIn } from '../fs/in-root.ts';

export interface HostServices {
  readonly host: HostFacts;
  readonly engines: EngineServices;
}

const MANAGERS: Readonly<Record<string, PackageManager>> = {
  '/usr/bin/apt-get': 'apt-get',
  '/usr/bin/dnf': 'dnf',
  '/usr/bin/yum': 'yum',
  '/usr/bin/zypper': 'zypper',
  '/sbin/apk': 'apk',
};
export async function readHostServices(paths: Paths): Promise<HostServices> {
  const [isSystemd, manager, docker, podman, script, resolverWriter] = await Promise.all([
    hasSystemd(paths),
    firstThere(Object.keys(MANAGERS), paths),
    firstUnit(DOCKER_UNITS, paths),
    firstUnit(['podman.socket'], paths),
    firstThere(['/etc/init.d/docker'], paths),
    readResolverWriter(paths),
  ]);
  const packageManager = manager === undefined ? undefined : MANAGERS[manager];
  return {
    host: {
      hasSystemd: isSystemd,
      ...(packageManager === undefined ? {} : { packageManager }),
      ...(resolverWriter === undefined ? {} : { resolverWriter }),
    },
    engines: {
      ...(isSystemd && docker !== undefined ? { dockerUnit: docker.replace('.service', '') } : {}),
      ...(isSystemd || script === undefined ? {} : { dockerScript: 'docker' }),
      hasPodmanUnit: isSystemd && podman !== undefined,
    },
  };
}

async function firstUnit(units: readonly string[], paths: Paths): Promise<string | undefined> {
  const found = await Promise.all(units.map(async (unit) => await findUnitFile(unit, paths)));
  return units.find((_, index) => found[index] !== undefined);
}

/** The first of these paths at which something lies. */
export async function firstThere(
  candidates: readonly string[],
  paths: Paths,
): Promise<string | undefined> {
  const found = await Promise.all(candidates.map(async (path) => await isThereIn(paths, path)));
  return candidates.find((_, index) => found[index]);
}
