/** What runs inside the mount namespace: a real script in /etc/init.d, started and restarted by the real `service`. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';

import type { RunnerProcess } from '../../src/core/reading.ts';
import { HOST_PATHS } from '../../src/core/paths.ts';
import { PlaceFinder } from '../../src/discovery/place.ts';
import { findRunnerProcesses } from '../../src/host/proc/runner-process.ts';
import { mountBind } from '../support/mount-namespace.ts';
import { until } from '../support/until.ts';

const SCRIPT = `#!/bin/bash
[ -r /etc/default/gitlab-runner ] && . /etc/default/gitlab-runner
start() {
  cd /srv
  (exec -a gitlab-runner '${process.execPath}' run) </dev/null >/dev/null 2>&1 &
  echo $! > /var/run/gitlab-runner.pid
}
stop() { kill "$(cat /var/run/gitlab-runner.pid)"; }
case "$1" in
  start) start ;;
  stop) stop ;;
  restart) stop; start ;;
esac
`;

export interface SysvSeen {
  readonly description: string;
  readonly pids: readonly (number | undefined)[];
  readonly proxy: string | undefined;
}

/** What the script wrote down. */
const readPidFile = (): number => Number(readFileSync('/var/run/gitlab-runner.pid', 'utf8'));

/** Finds the place of the process that the script started, and types what the place says. */
export async function typeAtScript(folder: string): Promise<SysvSeen> {
  for (const name of ['init.d', 'default', 'run', 'srv']) mkdirSync(`${folder}/${name}`);
  writeFileSync(`${folder}/init.d/gitlab-runner`, SCRIPT, { mode: 0o755 });
  // Node runs the file `run` and shows up as the runner does.
  writeFileSync(`${folder}/srv/run`, 'setInterval(() => {}, 1000);');
  mountBind(`${folder}/init.d`, '/etc/init.d');
  mountBind(`${folder}/default`, '/etc/default');
  mountBind(`${folder}/run`, '/run');
  mountBind(`${folder}/srv`, '/srv');
  writeFileSync(`${folder}/sudo`, '#!/bin/sh\nexec "$@"\n', { mode: 0o755 });
  const type = (command: string): void => {
    const env = { ...process.env, PATH: `${folder}:${process.env['PATH']}` };
    execFileSync('/bin/bash', ['-c', command], { env, stdio: 'ignore' });
  };
  const finder = new PlaceFinder();
  /** The process that the script started, once it shows its name. */
  const runOnce = async () => {
    let main: RunnerProcess | undefined;
    await until(async () => {
      main = (await findRunnerProcesses(HOST_PATHS)).find(({ pid }) => pid === readPidFile());
      return main !== undefined;
    });
    const configPath = main?.configPath ?? '/etc/gitlab-runner/config.toml';
    const question = { process: main, configPath, logFile: undefined, paths: HOST_PATHS };
    return { main, place: await finder.find(question) };
  };
  type('service gitlab-runner start');
  const first = await runOnce();
  for (const { command } of first.place.commands.setEnvironment('Set it.', {
    HTTPS_PROXY: 'http://proxy:3128',
  })) {
    type(command ?? '');
  }
  const second = await runOnce();
  return {
    description: second.place.description,
    pids: [first.main?.pid, second.main?.pid],
    proxy: second.main?.environment?.['HTTPS_PROXY'],
  };
}
