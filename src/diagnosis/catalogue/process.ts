/** Causes in the runner's process and service. */
import type { CauseContext, CauseSpec } from '../cause-spec.ts';
import { step } from '../../core/diagnosis.ts';
import { quoteArgument } from '../../core/shell.ts';
import { AT_ONCE, family, onHost } from '../cause-spec.ts';
import { CONFIG_CAUSES } from './config.ts';
import { LINT_CAUSES } from './lint.ts';

const processCause = family({
  severity: 'critical',
  scope: 'service',
  resolvedWhen: 'the service check passes again',
});

const lastLines = (c: CauseContext) =>
  c.place.commands.showLog('Read the reason in the last lines of its log.');

export const PROCESS_CAUSES: readonly CauseSpec[] = [
  processCause({
    id: 'runner-not-running',
    title: 'GitLab Runner is not running on this host',
    meaning: 'There is no main runner process, so this host requests no jobs from GitLab.',
    evidence: 'No process `gitlab-runner run`; helpers and zombies do not count.',
    notConfusedWith: ['runner-not-installed', 'runner-crash-loop'],
    changedBy: [],
    from: ['service/not-running'],
    says: (c) => {
      const [ended, next] = [c.optional('ended'), c.optional('next_start')];
      if (ended === undefined) return 'no process `gitlab-runner run` is running on this host';
      const again = next === undefined ? '' : `; systemd starts it again at ${next}`;
      return `GitLab Runner is not running: its process ${ended}${again}`;
    },
    fix: (c) => {
      const next = c.optional('next_start');
      return [
        next === undefined
          ? step('Start the runner, now and at boot.', c.place.commands.start)
          : step(
              `Start the runner now: restart it, since a plain start would wait until ${next}.`,
              c.place.commands.restart,
            ),
        lastLines(c),
      ];
    },
  }),
  processCause({
    id: 'runner-not-installed',
    title: 'GitLab Runner is not installed on this host',
    meaning:
      'There is no process, no unit and no program of GitLab Runner, and no container engine that could be asked knows a container of one.',
    evidence: 'None of the four is found.',
    notConfusedWith: ['monitor-blind', 'runner-not-running'],
    from: ['service/not-installed'],
    says: () => 'GitLab Runner is not installed on this host',
    fix: (c) => [
      step(
        'Install it, or remove runnerwatch from this host.',
        c.place.host.install('gitlab-runner'),
      ),
      step(
        'If it runs in a container, start runnerwatch as root: it finds every runner of this host by its process, and one that does not run by the socket of its engine.',
      ),
    ],
    // Nothing of a runner that is not there can be wrong.
    suppresses: [...CONFIG_CAUSES, ...LINT_CAUSES].map(({ id }) => id),
  }),
  processCause({
    id: 'runner-crash-loop',
    title: 'The runner crashes again and again',
    meaning: 'Each time it ends, something starts it again, so it seems to run most of the time.',
    evidence:
      'Three automatic restarts within a quarter of an hour, none of which led to a process that lived for long.',
    notConfusedWith: ['config-syntax-error', 'config-type-error', 'memory-oom-killed'],
    from: ['service/crash-loop'],
    says: () => 'the runner crashes again and again',
    fix: (c) => [
      lastLines(c),
      step('Check that config.toml loads.', `sudo runnerwatch lint ${onHost(c, c.config)}`),
    ],
    suppresses: ['runner-not-running'],
  }),
  processCause({
    id: 'runner-start-failed',
    title: 'The runner failed to start',
    meaning:
      'The unit has failed, or waits for the next attempt: a port is in use, a directory is missing, a state file is not readable, or config.toml does not load.',
    evidence: 'The fatal error in its log; without a log the state and result of the unit.',
    notConfusedWith: ['config-syntax-error', 'config-type-error'],
    from: ['service/failed'],
    says: (c) => `the runner failed to start (${c.fact('result')})`,
    fix: (c) => [
      lastLines(c),
      step('Check that config.toml loads.', `sudo runnerwatch lint ${onHost(c, c.config)}`),
    ],
    suppresses: ['runner-not-running', 'runner-crash-loop'],
  }),
  processCause({
    id: 'runner-permission-denied',
    stopsJobs: false,
    title: "The runner's user has no permission for a file that it needs",
    meaning:
      'The kernel denies the runner a file or a directory: by the mode bits, or by SELinux or AppArmor. Jobs fail, or the runner does not start.',
    evidence:
      "The runner's own line with `permission denied` or `operation not permitted`, and the path.",
    notConfusedWith: ['config-unreadable', 'docker-socket-permission', 'disk-read-only'],
    changedBy: ['unit'],
    from: [],
    says: (c) => `the runner's user ${c.place.user.name} has no permission for ${c.fact('path')}`,
    fix: (c) => [
      step(
        'Show the owner and the permissions of the path and of each directory above it.',
        `sudo namei -l ${onHost(c, c.fact('path'))}`,
      ),
      step(
        `Give the user ${c.place.user.name} that permission. If the mode bits allow it already, SELinux or AppArmor denies it.`,
        'sudo dmesg | grep -iE "avc|apparmor" | tail -n 20',
      ),
    ],
    resolvedWhen: 'a job was run, or no line of the runner has this error for 15 minutes',
    suppresses: ['runner-not-running', 'runner-crash-loop', 'runner-start-failed'],
  }),
  processCause({
    id: 'runner-program-missing',
    severity: 'warning',
    title: 'A program that the runner needs for jobs is missing',
    meaning:
      'The runner starts jobs with other programs (su, bash, pwsh, docker-machine, the scripts of a custom executor); one of them is not installed, not in PATH or not executable.',
    evidence:
      'The line `executable file not found in $PATH`, or `fork/exec PATH: no such file or directory`.',
    notConfusedWith: ['runner-permission-denied'],
    changedBy: ['program'],
    from: [],
    stopsJobs: true,
    says: (c) => `the runner cannot run ${c.fact('program')}, which its jobs need`,
    fix: (c) => [
      step(
        'Check whether the program is there and executable.',
        c.fact('program').startsWith('/')
          ? `sudo ls -l ${onHost(c, c.fact('program'))}`
          : `command -v ${quoteArgument(c.fact('program'))}`,
      ),
      step(
        'Install it, or correct its path in config.toml: shell, [runners.custom] or the executor.',
        `sudoedit ${onHost(c, c.config)}`,
      ),
    ],
    resolvedWhen: 'a job was run, or no line of the runner has this error for 15 minutes',
  }),
  processCause({
    id: 'runner-hung',
    title: 'The runner process is stopped (SIGSTOP) or hung',
    meaning:
      'The process exists but neither polls nor takes jobs: a signal stopped it, a system call blocks it, or it hangs.',
    evidence:
      'State T or, several times in a row, D in /proc; or poll counters that have not changed for five minutes while GitLab is reachable, the runner is not disabled and has room for jobs.',
    notConfusedWith: ['runner-disabled-unhealthy', 'jobs-capacity-saturated'],
    changedBy: [],
    from: ['service/stopped', 'service/uninterruptible'],
    says: (c) => `the runner process ${c.fact('pid')} is stopped or hung`,
    fix: (c) => [
      step('Resume it.', `sudo kill -CONT ${quoteArgument(c.fact('pid'))}`),
      step('Or restart it.', c.place.commands.restart),
    ],
  }),
  processCause({
    id: 'config-wrong-file',
    scope: 'config',
    title: 'The runner uses another config file',
    meaning:
      'A runner process runs, but reads another file than the one with its entries: because of its --config, or because it runs as another user.',
    evidence:
      "Its command line, its CONFIG_FILE or its user's default; and a file with runner entries that no process reads.",
    notConfusedWith: ['config-missing', 'config-no-runners'],
    changedBy: ['unit'],
    from: ['service/other-config', 'config/entries-elsewhere'],
    confirm: AT_ONCE,
    says: (c) => `the runner on this host reads ${c.fact('read')} instead of ${c.fact('meant')}`,
    fix: (c) => [
      step(
        'Show which file it was started with, and as which user.',
        "pgrep -af 'gitlab-runner.* run'",
      ),
      ...c.place.commands.useConfig(
        `If ${c.fact('meant')} is the right one, start the runner with --config ${c.fact('meant')}.`,
        c.fact('meant'),
      ),
      step('If the other file is right, start runnerwatch without --runner.config.'),
    ],
    suppresses: ['config-missing', 'config-no-runners'],
  }),
  processCause({
    id: 'config-shared-by-processes',
    severity: 'warning',
    scope: 'config',
    title: 'Two runner processes use the same config.toml',
    meaning:
      "`concurrent` and `limit` apply to each process separately, and the processes interfere with each other's jobs.",
    evidence: 'Two main processes with the same file.',
    notConfusedWith: ['system-id-clash'],
    changedBy: [],
    from: ['service/two-processes'],
    says: (c) => `processes ${c.fact('pid')} and ${c.fact('other_pid')} both use ${c.config}`,
    fix: (c) => [
      step(
        'Show the processes.',
        `ps -o pid,user,lstart,args -p ${quoteArgument(`${c.fact('pid')},${c.fact('other_pid')}`)}`,
      ),
      step(
        `Keep process ${c.fact('pid')} (${c.place.description}); stop the other, which ends when its jobs have ended.`,
        `sudo kill -QUIT ${quoteArgument(c.fact('other_pid'))}`,
      ),
    ],
  }),
];
