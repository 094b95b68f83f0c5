/** Causes that only the runner's own log and counters show. */
import { dateOfFact } from '../../core/date-text.ts';
import type { CauseSpec } from '../cause-spec.ts';
import { step } from '../../core/diagnosis.ts';
import { family, onHost, restart } from '../cause-spec.ts';
import { resetToken } from './commands.ts';

const ownCause = family({
  severity: 'critical',
  scope: 'runner',
  resolvedWhen: "the runner's own polls succeed again",
});

export const RUNNER_CAUSES: readonly CauseSpec[] = [
  ownCause({
    id: 'runner-disabled-unhealthy',
    title: 'The runner disabled an entry after three failed requests',
    meaning:
      'After three failed requests in a row the runner requests no jobs for one hour (unhealthy_interval). The reason of the failures is gone, but the hour is not over. While there is a reason, that is the cause.',
    evidence:
      "The log line `is unhealthy and will be disabled for`, with no reload, restart or successful poll after it, while GitLab is reachable now; or the runner's counters of failed requests and skipped entries.",
    notConfusedWith: ['token-rejected', 'edge-waf-blocked', 'runner-hung'],
    from: [],
    says: (c) =>
      `the runner disabled ${c.name} after three failed requests ${c.fact('until')}${c.optional('is_asked') === 'false' ? '; runnerwatch has not checked since then whether GitLab still rejects it' : ', although GitLab accepts it now'}`,
    fix: (c) => [
      step(
        'Make the runner retry at once: it enables the entry when its file is touched.',
        `sudo touch ${onHost(c, c.config)}`,
      ),
      c.place.commands.showLog('Read in the last log lines why the requests failed.'),
    ],
    suppresses: ['runner-hung'],
  }),
  ownCause({
    id: 'runner-shutting-down',
    severity: 'info',
    scope: 'service',
    title: 'The runner is shutting down and waits for its jobs',
    meaning:
      'During a graceful shutdown the runner takes no new jobs and ends when the last job has ended.',
    evidence:
      'The log line `Starting graceful shutdown` or the state in its counters, while the process exists; or systemd is stopping or starting its unit.',
    notConfusedWith: ['runner-hung', 'runner-not-running'],
    changedBy: [],
    from: ['service/restarting'],
    says: () => 'the runner is shutting down and takes no new jobs',
    fix: (c) => [
      step('Wait for its jobs; then it exits.'),
      step('If it should not stop, start it again afterwards.', c.place.commands.start),
    ],
    resolvedWhen: 'the process has ended or was started again',
    suppresses: ['runner-hung'],
  }),
  ownCause({
    id: 'runner-ended-by-liveness-probe',
    severity: 'warning',
    scope: 'service',
    title: 'The liveness probe of the chart ends the runner while GitLab is away',
    meaning:
      'The liveness probe of the official Helm chart asks GitLab. While GitLab, or something before it, refuses at once, or GitLab rejects the token of an entry, the probe fails, and after three failures Kubernetes ends the runner with its jobs. An outage in which nothing answers ends nothing.',
    evidence:
      'In a pod of the chart every entry is refused within three seconds, or the token of one is rejected, and its script `check-live` runs `verify`; or the process ended 20 s or more after that began.',
    notConfusedWith: ['runner-not-running', 'runner-crash-loop'],
    changedBy: [],
    from: [],
    says: (c) =>
      c.optional('is_ended') === 'true'
        ? 'the runner ended while GitLab refused it, as by the liveness probe of the chart, and its jobs with it'
        : 'while GitLab refuses the runner, the liveness probe of the chart fails, and ends it and its jobs after three failures',
    fix: (c) => [
      step(
        'Mend the path to GitLab first: the pod then starts and registers the runner by itself.',
      ),
      ...(c.place.livenessProbe === undefined ? [] : [c.place.livenessProbe.fix]),
    ],
    resolvedWhen: 'an entry of the runner is accepted again, and the token of none is rejected',
  }),
  ownCause({
    id: 'runner-outdated',
    severity: 'notice',
    scope: 'service',
    title: 'The runner is more than one major version older than GitLab',
    meaning: 'Old runners keep working for a while, but lack features that jobs use.',
    evidence: "The runner's version, and a request that GitLab supports since a known version.",
    notConfusedWith: ['gitlab-version-skew'],
    from: [],
    says: (c) =>
      `the runner is version ${c.fact('version')}, and GitLab is ${c.fact('server')} or newer`,
    fix: (c) => [c.place.commands.upgrade('Upgrade the runner.'), restart(c)],
    resolvedWhen: 'the runner is upgraded',
  }),
  ownCause({
    id: 'token-rotation-not-persisted',
    severity: 'warning',
    scope: 'runner',
    title: 'The runner has a new token that is not in config.toml',
    meaning:
      'The runner renewed its token but could not write the file: it works until its next restart, which loads the old token.',
    evidence:
      'The log line `Failed to save config`; or successful polls with a token that is not in the file, while GitLab rejects the token in the file.',
    notConfusedWith: ['token-rejected'],
    from: [],
    says: (c) => `the runner renewed its token but could not write ${c.config}`,
    fix: (c) => [
      step(
        'Check that the runner may write the file and the disk has space.',
        `sudo ls -ld ${onHost(c, c.config)}; sudo df -h ${onHost(c, c.config)}; sudo findmnt -T ${onHost(c, c.config)}`,
      ),
      resetToken(c, 'Then renew the token again, before the runner is restarted.'),
    ],
    resolvedWhen: 'the file is written or the runner was restarted',
    suppresses: ['token-rejected'],
  }),
  ownCause({
    id: 'tls-trust-not-reloaded',
    scope: 'gitlab',
    title: 'The running runner still uses old trust files',
    meaning:
      'The files are correct now, but the process read the system bundle and its CA file before the change, and does not read them again.',
    evidence:
      "The certificate is valid with the current files; the runner's newer log lines still report x509 errors; a trust file was changed after the process started.",
    notConfusedWith: ['tls-unknown-authority'],
    from: [],
    says: (c) =>
      `the runner was started at ${dateOfFact(c.fact('started_at'))} and does not use the trust files that were changed at ${dateOfFact(c.fact('changed_at'))}`,
    fix: (c) => [restart(c)],
    suppresses: ['tls-unknown-authority'],
  }),
  ownCause({
    id: 'idle-connection-killed',
    severity: 'warning',
    scope: 'gitlab',
    title: 'A load balancer or firewall closes idle connections',
    meaning:
      'A poll waits up to a minute for a job. A load balancer or firewall on the path closes idle connections earlier, so polls fail and jobs start late.',
    evidence:
      'Polls of the runner end with a reset or close after about the same time, at least three times, while short requests succeed.',
    notConfusedWith: ['gitlab-not-responding', 'connection-reset-midstream'],
    from: [],
    isPartial: true,
    says: (c) =>
      `connections to ${c.host} are closed after about ${c.fact('held_seconds')} s without data, in the middle of a poll`,
    fix: () => [
      step(
        'Raise the idle and read timeouts of the load balancer or firewall in front of GitLab above 60 s.',
      ),
      step(
        'Or shorten the polls: on the GitLab server.',
        'sudo grep -n -i long_polling /etc/gitlab/gitlab.rb   # gitlab_workhorse["api_ci_long_polling_duration"] = "20s"',
      ),
    ],
  }),
];
