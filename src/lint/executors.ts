/** The executors of GitLab Runner 19.4 and the tables that each needs: docs/reference/runner-config.md#executors. */

export const REQUIRED_TABLES: ReadonlyMap<string, readonly string[]> = new Map([
  ['shell', []],
  ['docker', ['docker']],
  ['docker-windows', ['docker']],
  ['docker-autoscaler', ['docker', 'autoscaler']],
  ['docker+machine', ['docker', 'machine']],
  ['instance', ['autoscaler']],
  ['kubernetes', ['kubernetes']],
  ['custom', ['custom']],
  ['ssh', ['ssh']],
  ['virtualbox', ['virtualbox', 'ssh']],
  ['parallels', ['parallels', 'ssh']],
]);

/** Executors whose jobs run in containers of Docker. */
export const DOCKER_EXECUTORS: readonly string[] = [
  'docker',
  'docker-windows',
  'docker-autoscaler',
  'docker+machine',
];

/** Without their tables they never even ask GitLab. */
export const ASKS_FIRST: readonly string[] = ['docker+machine', 'docker-autoscaler', 'instance'];

export const SHELLS: readonly string[] = ['bash', 'sh', 'pwsh', 'powershell'];
