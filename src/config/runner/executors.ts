/** The executors of GitLab Runner 19.4 and the tables that each needs: docs/reference/runner-config.md#executors. */

export const REQUIRED_TABLES: ReadonlyMap<string, readonly string[]> = new Map([
  ['shell', []],
  ['docker', ['docker']],
  ['docker-windows', ['docker']],
  ['docker-autoscaler', ['docker', 'autoscaler']],
  // Without [runners.docker] it takes an empty one.
  ['docker+machine', ['machine']],
  ['instance', ['autoscaler']],
  ['kubernetes', ['kubernetes']],
  ['custom', ['custom']],
  ['ssh', ['ssh']],
  ['virtualbox', ['virtualbox', 'ssh']],
  ['parallels', ['parallels', 'ssh']],
]);

/** What jobs of an executor need first, where a check can look at it; all others are not looked at. */
export const SEEN_BACKENDS: ReadonlyMap<string, 'docker' | 'folder' | 'programs' | 'cluster'> =
  new Map([
    ['shell', 'folder'],
    ['docker', 'docker'],
    ['docker-windows', 'docker'],
    ['docker-autoscaler', 'programs'],
    ['docker+machine', 'programs'],
    ['instance', 'programs'],
    ['custom', 'programs'],
    ['kubernetes', 'cluster'],
  ]);

export const EXECUTORS: readonly string[] = [...REQUIRED_TABLES.keys()];

/** Executors whose jobs run in containers of the Docker that `host` names, by default the one of this host. */
export const LOCAL_DOCKER_EXECUTORS: readonly string[] = ['docker', 'docker-windows'];

/** Executors whose jobs run in Docker containers. */
export const DOCKER_EXECUTORS: readonly string[] = [
  ...LOCAL_DOCKER_EXECUTORS,
  'docker-autoscaler',
  'docker+machine',
];

/** Executors whose jobs run from images. */
export const IMAGE_EXECUTORS: readonly string[] = [...DOCKER_EXECUTORS, 'kubernetes'];

/** Executors that create machines through [runners.autoscaler]. */
export const AUTOSCALED_EXECUTORS: readonly string[] = ['docker-autoscaler', 'instance'];

/** Executors that request no jobs while their tables are missing. */
export const MACHINE_EXECUTORS: readonly string[] = ['docker+machine', ...AUTOSCALED_EXECUTORS];

export const SHELLS: readonly string[] = ['bash', 'sh', 'pwsh', 'powershell'];
