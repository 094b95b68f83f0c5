/** A runner process as /proc would show it: root, packaged, environment hidden unless given. */
import type { RunnerProcess } from '../../src/core/reading.ts';

export function runnerProcess(over: Partial<RunnerProcess> = {}): RunnerProcess {
  return {
    pid: 4711,
    uid: 0,
    startedAt: Date.parse('2026-11-24T08:00:00.000Z'),
    state: 'S',
    arguments: ['/usr/bin/gitlab-runner', 'run'],
    workingDirectory: '/home/gitlab-runner',
    configPath: '/etc/gitlab-runner/config.toml',
    configFoundBy: 'process-argument',
    ...over,
  };
}
