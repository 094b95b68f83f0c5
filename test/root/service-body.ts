/** What runs inside the mount namespace: the service probe as a user from whom processes are hidden. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';

import type { Finding } from '../../src/core/finding.ts';
import { PACKAGED_PLACE } from '../../src/host/place/packaged.ts';
import { service } from '../../src/probes/service.ts';
import { runProbe } from '../support/run-probe.ts';

const NOBODY = 65_534;

/** A runner of root runs; the probe runs as nobody. `hidepid` is the option of /proc. */
export async function lookAsNobody(folder: string, hidepid: string): Promise<Finding> {
  // Node runs the file `run` and shows up as the runner does.
  writeFileSync(`${folder}/run`, 'setInterval(() => {}, 1000); console.log(1)');
  const args = ['run', '--config', '/etc/gitlab-runner/config.toml'];
  const runner = spawn(process.execPath, args, { argv0: 'gitlab-runner', cwd: folder });
  await once(runner.stdout, 'data');
  execFileSync('mount', ['-t', 'proc', '-o', `hidepid=${hidepid}`, 'proc', '/proc']);
  const target = {
    kind: 'service',
    id: 'gitlab-runner.service',
  } as const;
  process.setgroups?.([]);
  process.setgid?.(NOBODY);
  process.setuid?.(NOBODY);
  // The file of seen reasons is root's: the caller notes what was seen.
  return await runProbe(service, target);
}

/** Nothing of a runner is there, and a socket of an engine that root alone may open. */
export async function lookBesideEngineAsNobody(rootfs: string): Promise<Finding> {
  const paths = { rootfs, procfs: `${rootfs}/proc`, sysfs: `${rootfs}/sys` };
  process.setgroups?.([]);
  process.setgid?.(NOBODY);
  process.setuid?.(NOBODY);
  const { unit: _unit, ...place } = PACKAGED_PLACE;
  const target = { kind: 'service', id: place.id } as const;
  return await runProbe(service, target, { tools: { paths, place: { ...place, paths } } });
}
