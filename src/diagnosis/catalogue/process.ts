/** Causes in the runner's process and service. */
import type { CauseContext, CauseSpec } from '../cause-spec.ts';
import { step } from '../../core/diagnosis.ts';
import { quoted } from '../../core/shell.ts';
import { AT_ONCE, family, onHost } from '../cause-spec.ts';

const processCause = family({
  severity: 'critical',
  scope: 'service',
  resolvedWhen: 'the service check passes',
});

const lastLines = (c: CauseContext) =>
  c.place.commands.showLog('Read why: the last lines of its log.');

export const PROCESS_CAUSES: readonly CauseSpec[] = [
  processCause({
    id: 'runner-not-running',
    title: 'GitLab Runner is not running on this host',
    meaning: 'There is no main runner process, so nobody asks GitLab for jobs.',
    evidence: 'No process `gitlab-runner run`; helpers and zombies do not count.',
    notConfusedWith: ['runner-not-installed', 'runner-crash-loop'],
    from: ['service/not-running'],
    says: () => 'there is no process `gitlab-runner run` on this host',
    fix: (c) => [step('Start it, now and at boot.', c.place.commands.start), lastLines(c)],
  }),
  processCause({
    id: 'runner-not-installed',
    title: 'GitLab Runner is not installed on this host',
    meaning: 'There is no process, no unit and no program of it.',
    evidence: 'None of the three is found.',
    notConfusedWith: ['monitor-blind', 'runner-not-running'],
    from: ['service/not-installed'],
    says: () => 'GitLab Runner is not installed on this host',
    fix: (c) => [
      step(
        'Install it, or remove runnerwatch from this host.',
        c.place.host.install('gitlab-runner'),
      ),
      step(
        'If it runs in a container, start runnerwatch with --path.rootfs, --path.procfs and --runner.config.',
      ),
    ],
    suppresses: ['config-missing'],
  }),
  processCause({
    id: 'runner-crash-loop',
    title: 'The runner starts and dies again and again',
    meaning: 'The unit restarts it every two minutes, so it looks alive most of the time.',
    evidence: 'Three restarts or more, and a young process.',
    notConfusedWith: ['config-syntax-error', 'config-type-error', 'memory-oom-killed'],
    from: ['service/crash-loop'],
    says: () => 'the runner starts and dies again and again',
    fix: (c) => [
      lastLines(c),
      step('Does its config load?', `runnerwatch lint ${onHost(c, c.config)}`),
    ],
    suppresses: ['runner-not-running'],
  }),
  processCause({
    id: 'runner-start-failed',
    title: 'The runner could not start',
    meaning:
      'The unit has failed, or waits for the next try: a port in use, a missing folder, a state file it may not read, a bad config.',
    evidence: 'The fatal line of its log; without a log the state and the result of the unit.',
    notConfusedWith: ['config-syntax-error', 'config-type-error'],
    from: ['service/failed'],
    says: (c) => `the runner could not start (${c.fact('result')})`,
    fix: (c) => [
      lastLines(c),
      step('Does its config load?', `runnerwatch lint ${onHost(c, c.config)}`),
    ],
    suppresses: ['runner-not-running', 'runner-crash-loop'],
  }),
  processCause({
    id: 'runner-hung',
    title: 'The runner’s process stands still',
    meaning:
      'It is there and neither polls nor takes jobs: stopped by a signal, caught in a system call, or standing still for a reason of its own.',
    evidence:
      'State T or, several times in a row, D in /proc; or counters of polls that stand still for five minutes while the way is open, the runner is not disabled and has room for jobs.',
    notConfusedWith: ['runner-disabled-unhealthy', 'jobs-capacity-saturated'],
    from: ['service/stopped', 'service/uninterruptible'],
    says: (c) => `the runner’s process ${c.fact('pid')} stands still`,
    fix: (c) => [
      step('Let it go on.', `sudo kill -CONT ${quoted(c.fact('pid'))}`),
      step('Or restart it.', c.place.commands.restart),
    ],
  }),
  processCause({
    id: 'config-wrong-file',
    scope: 'config',
    title: 'The runner runs on another config file',
    meaning:
      'A runner process is there, and it reads another file than the one that holds its entries: by its --config, or as another user.',
    evidence:
      'Its command line, its CONFIG_FILE or its user’s default; and a file with entries that no process reads.',
    notConfusedWith: ['config-missing', 'config-no-runners'],
    from: ['service/other-config', 'config/entries-elsewhere'],
    confirm: AT_ONCE,
    says: (c) => `the runner on this host reads ${c.fact('read')} and not ${c.fact('meant')}`,
    fix: (c) => [
      step('Which file was it told to read, and as which user?', "pgrep -af 'gitlab-runner.* run'"),
      ...c.place.commands.useConfig(
        `If ${c.fact('meant')} is the right one, start the runner with --config ${c.fact('meant')}.`,
        c.fact('meant'),
      ),
      step('If the other one is right, start runnerwatch without --runner.config.'),
    ],
    suppresses: ['config-missing', 'config-no-runners'],
  }),
  processCause({
    id: 'config-shared-by-processes',
    severity: 'warning',
    scope: 'config',
    title: 'Two runner processes share one config.toml',
    meaning:
      '`concurrent` and `limit` hold for each of them alone, and they disturb each other’s jobs.',
    evidence: 'Two main processes on the same file.',
    notConfusedWith: ['system-id-clash'],
    from: ['service/two-processes'],
    says: (c) => `two runner processes run on ${c.config}`,
    fix: (c) => [
      step('Which ones?', "pgrep -af 'gitlab-runner.* run'"),
      step(
        `Keep the one of ${c.place.description}, and end the other once its jobs are done.`,
        `sudo kill -QUIT ${quoted(c.fact('other_pid'))}`,
      ),
    ],
  }),
];
