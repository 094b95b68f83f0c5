/** Causes that only the runner's own log and counters show. */
import type { CauseSpec } from '../cause-spec.ts';
import { step } from '../../core/diagnosis.ts';
import { quoted } from '../../core/shell.ts';
import { family, onHost, restart } from '../cause-spec.ts';

const ownCause = family({
  severity: 'critical',
  scope: 'runner',
  resolvedWhen: 'the runner’s own polls succeed again',
});

export const RUNNER_CAUSES: readonly CauseSpec[] = [
  ownCause({
    id: 'runner-disabled-unhealthy',
    title: 'An entry has switched itself off after three refusals',
    meaning:
      'After three refusals in a row the runner does not ask for jobs for an hour (unhealthy_interval). What refused is gone, and the hour is not over.',
    evidence:
      'Its line `is unhealthy and will be disabled for`, with no reload, restart or poll that worked after it, while the way is open now; or its counters of refusals and of entries passed over.',
    notConfusedWith: ['token-rejected', 'edge-waf-blocked', 'runner-hung'],
    from: [],
    says: (c) =>
      `${c.name} has switched itself off after three refusals and asks again at ${c.fact('until')}${c.optional('is_asked') === 'false' ? '; GitLab was not asked since whether it still refuses' : ', although nothing refuses it now'}`,
    fix: (c) => [
      step(
        'Wake it: the runner forgets the penalty when its file is touched.',
        `sudo touch ${onHost(c, c.config)}`,
      ),
      c.place.commands.showLog('What refused it? Its last lines say it.'),
    ],
    suppresses: ['runner-hung'],
  }),
  ownCause({
    id: 'runner-shutting-down',
    severity: 'info',
    scope: 'service',
    title: 'The runner is stopping and waits for its jobs',
    meaning: 'A graceful stop takes no new jobs and ends when the last one has ended.',
    evidence:
      'Its line `Starting graceful shutdown` or its state, while the process is there; or systemd is about to stop or start its unit.',
    notConfusedWith: ['runner-hung', 'runner-not-running'],
    from: ['service/restarting'],
    says: () => 'the runner is stopping, and takes no new jobs',
    fix: (c) => [
      step('Wait for its jobs; then it ends.'),
      step('If it was not meant to stop, start it again afterwards.', c.place.commands.start),
    ],
    resolvedWhen: 'the process has ended or started anew',
    suppresses: ['runner-hung'],
  }),
  ownCause({
    id: 'runner-outdated',
    severity: 'notice',
    scope: 'service',
    title: 'The runner is more than one major version older than GitLab',
    meaning:
      'Old runners keep working for a while; features of jobs are missing, and errors are harder to read.',
    evidence:
      'The runner’s own version, and a request that GitLab has known since a certain version.',
    notConfusedWith: ['gitlab-version-skew'],
    from: [],
    says: (c) => `the runner is ${c.fact('version')}, and GitLab is ${c.fact('server')} or newer`,
    fix: (c) => [step('Bring it up to date.', c.place.host.install('gitlab-runner')), restart(c)],
    resolvedWhen: 'the runner is newer',
  }),
  ownCause({
    id: 'token-rotation-not-persisted',
    severity: 'warning',
    scope: 'runner',
    title: 'The runner has a new token that is not in config.toml',
    meaning:
      'It renewed its token and could not write the file: it works until its next start, and then has the old one.',
    evidence:
      'Its line `Failed to save config`; or polls that work under a token that the file does not have, while GitLab refuses the one it has.',
    notConfusedWith: ['token-rejected'],
    from: [],
    says: (c) => `the runner’s token was renewed and ${c.config} could not be written`,
    fix: (c) => [
      step(
        'May the runner write it, and is there room?',
        `ls -ld ${onHost(c, c.config)}; df -h ${onHost(c, c.config)}; findmnt -T ${onHost(c, c.config)}`,
      ),
      step(
        'Then renew the token once more, before anything restarts the runner.',
        c.place.commands.runner(
          `reset-token --config ${quoted(c.config)} --name ${quoted(c.name)}`,
        ),
      ),
    ],
    resolvedWhen: 'the file is written or the runner started anew',
    suppresses: ['token-rejected'],
  }),
  ownCause({
    id: 'tls-trust-not-reloaded',
    scope: 'gitlab',
    title: 'The running runner still has the old trust files',
    meaning:
      'The files are right now. The process read the system’s bundle and its own CA file before they were, and does not read them again.',
    evidence:
      'The certificate is accepted with the files as they are; the runner’s newer lines still say x509; a trust file was changed after the process started.',
    notConfusedWith: ['tls-unknown-authority'],
    from: [],
    says: (c) =>
      `the runner runs since ${c.fact('started_at')} with trust files that were changed at ${c.fact('changed_at')}`,
    fix: (c) => [restart(c)],
    suppresses: ['tls-unknown-authority'],
  }),
  ownCause({
    id: 'idle-connection-killed',
    severity: 'warning',
    scope: 'gitlab',
    title: 'Somebody cuts connections that are quiet for a while',
    meaning:
      'A poll waits up to a minute for a job. A balancer or firewall on the way ends connections before that, so polls fail and jobs start late.',
    evidence:
      'Polls of the runner end by a reset or an end, each after about the same time and at least three times, while short requests pass.',
    notConfusedWith: ['gitlab-not-responding', 'connection-reset-midstream'],
    from: [],
    says: (c) =>
      `connections to ${c.host} are cut after about ${c.fact('held_seconds')} s of quiet, in the middle of a poll`,
    fix: () => [
      step(
        'Raise the idle and read timeouts of the balancer or firewall before GitLab above 60 s.',
      ),
      step(
        'Or let polls be shorter: on the GitLab server.',
        'sudo grep -n -i long_polling /etc/gitlab/gitlab.rb   # gitlab_workhorse["api_ci_long_polling_duration"] = "20s"',
      ),
    ],
  }),
];
