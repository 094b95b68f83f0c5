/** Causes in single jobs and what prepares them, by the runner's own words. */
import type { CauseSpec } from '../cause-spec.ts';
import { step } from '../../core/diagnosis.ts';
import { quoted } from '../../core/shell.ts';
import { engineOf, family, onHost } from '../cause-spec.ts';

const jobCause = family({
  severity: 'info',
  scope: 'runner',
  resolvedWhen: 'no job has met it for a quarter of an hour',
});
const imageCause = family({
  severity: 'warning',
  scope: 'executor',
  resolvedWhen: 'no job has met it for a quarter of an hour',
});

export const JOB_CAUSES: readonly CauseSpec[] = [
  jobCause({
    id: 'jobs-capacity-saturated',
    scope: 'service',
    title: 'As many jobs run as may run',
    meaning: 'The runner asks for no more until one of them has ended; jobs wait in GitLab.',
    evidence: 'The number of jobs beside concurrent or limit.',
    notConfusedWith: ['runner-hung'],
    from: [],
    says: (c) => `${c.fact('jobs')} jobs run, and ${c.fact('by')} allows ${c.fact('allowed')}`,
    fix: (c) => [
      step(
        'If the host has room: raise concurrent, or limit of the entry.',
        `sudoedit ${onHost(c, c.config)}`,
      ),
      step(
        'Which jobs are they, and since when?',
        c.place.engineAt().client('ps --filter label=com.gitlab.gitlab-runner.managed=true'),
      ),
    ],
    resolvedWhen: 'a job has ended',
    suppresses: ['runner-hung'],
  }),
  jobCause({
    id: 'job-rejected-by-server',
    title: 'GitLab has ended a job that still ran here',
    meaning:
      'It was cancelled, took too long or is gone; the runner is told so by a refusal, and stops it.',
    evidence: 'A refusal of one job’s output or end, while polls work.',
    notConfusedWith: ['token-rejected', 'job-trace-blocked'],
    from: [],
    says: (c) => `GitLab ended a job of ${c.name} that still ran here`,
    fix: () => [step('Nothing, if it was cancelled. Otherwise compare its timeout in GitLab.')],
  }),
  jobCause({
    id: 'job-trace-blocked',
    severity: 'warning',
    title: 'Something before GitLab refuses the output of jobs',
    meaning:
      'Polls pass, and what jobs print does not: a filter takes their text for an attack, or for too large.',
    evidence:
      'Several refusals (403, 413) of a job’s output that did not come from GitLab, while polls work.',
    notConfusedWith: ['job-rejected-by-server', 'edge-waf-blocked'],
    from: [],
    says: (c) => `something before ${c.host} refuses the output of jobs of ${c.name}`,
    fix: (c) => [
      step(
        `Exempt ${c.host}/api/v4/jobs/ from rules about bodies in the filter before GitLab, and allow at least 10 MiB.`,
      ),
    ],
  }),
  imageCause({
    id: 'docker-registry-rate-limited',
    title: 'The registry limits pulls from this host',
    meaning: 'Without a login, or behind a shared address, a public registry allows few pulls.',
    evidence: 'Its answer `toomanyrequests` when an image is pulled.',
    notConfusedWith: ['gitlab-rate-limited', 'docker-image-pull-failed'],
    from: [],
    says: (c) => `the registry refuses pulls for ${c.name}: too many requests`,
    fix: (c) => [
      step(
        'Pull less often.',
        `sudoedit ${onHost(c, c.config)}   # [runners.docker] pull_policy = "if-not-present"`,
      ),
      step(
        `Log in, or use a mirror: DOCKER_AUTH_CONFIG, or registry-mirrors in ${engineOf(c).settings}.`,
      ),
    ],
    suppresses: ['docker-image-pull-failed'],
  }),
  imageCause({
    id: 'docker-image-pull-failed',
    title: 'Images cannot be pulled',
    meaning: 'The registry cannot be reached, does not know the image, or wants a login.',
    evidence: 'The error of the pull.',
    notConfusedWith: ['docker-registry-rate-limited', 'docker-daemon-down'],
    from: [],
    says: (c) => `images for jobs of ${c.name} cannot be pulled`,
    fix: (c) => [
      c.place.commands.showLog('Read the whole error: the lines about "pull".', 200),
      step('Pull the image that they name on this host, with "docker pull" and its name.'),
    ],
  }),
  imageCause({
    id: 'docker-network-pool-exhausted',
    title: 'Docker has no addresses left for another network',
    meaning: 'Each job may have a network of its own, and those of jobs that died stay.',
    evidence: 'The error `could not find an available, non-overlapping IPv4 address pool`.',
    notConfusedWith: ['network-no-route'],
    from: [],
    says: (c) => `Docker has no addresses left for the networks of jobs of ${c.name}`,
    fix: (c) => [
      step('Remove networks that no container uses.', engineOf(c).client('network prune')),
      step('Give it more: default-address-pools.', `sudoedit ${quoted(engineOf(c).settings)}`),
    ],
  }),
];
