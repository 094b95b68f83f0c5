/** Causes in single jobs and their preparation, from the runner's own log. */
import { DOCKER_EXECUTORS, IMAGE_EXECUTORS } from '../../config/runner/executors.ts';
import type { CauseContext, CauseSpec } from '../cause-spec.ts';
import { step } from '../../core/diagnosis.ts';
import { quoteArgument } from '../../core/shell.ts';
import { family, onHost, ownEngine } from '../cause-spec.ts';
import { SHOW_EVENTS, askEngine, engineOf, siteOf } from './job-site.ts';

const jobCause = family({
  severity: 'info',
  scope: 'runner',
  resolvedWhen: 'no job has had this error for 15 minutes',
});
const imageCause = family({
  severity: 'warning',
  scope: 'executor',
  resolvedWhen: 'a job was run, or no job has had this error for 15 minutes',
});

function showJobs(c: CauseContext) {
  const engine = ownEngine(c);
  if (engine === undefined) return [];
  const jobs = 'ps --filter label=com.gitlab.gitlab-runner.managed=true';
  return [step('Show which jobs run, and since when.', engine.client(jobs))];
}

const onMachines = (c: CauseContext) =>
  siteOf(c) === 'machines' ? ` on a machine of ${c.name}` : '';

export const JOB_CAUSES: readonly CauseSpec[] = [
  jobCause({
    id: 'jobs-capacity-saturated',
    scope: 'service',
    title: 'The maximum number of jobs is running',
    meaning: 'The runner requests no more jobs until one of them ends; jobs wait in GitLab.',
    evidence: 'The number of running jobs equals concurrent or limit.',
    notConfusedWith: ['runner-hung'],
    from: [],
    says: (c) => `${c.fact('jobs')} jobs run, and ${c.fact('by')} allows ${c.fact('allowed')}`,
    fix: (c) => [
      step(
        'If the host has spare capacity: raise concurrent, or limit of the entry.',
        `sudoedit ${onHost(c, c.config)}`,
      ),
      ...showJobs(c),
    ],
    resolvedWhen: 'a job ends',
    suppresses: ['runner-hung'],
  }),
  jobCause({
    id: 'job-rejected-by-server',
    title: 'GitLab ended a job that still ran here',
    meaning:
      "The job was cancelled, exceeded its timeout or was deleted in GitLab; GitLab rejects the job's updates, and the runner stops it.",
    evidence: "GitLab rejects one job's log or final status while polls work.",
    notConfusedWith: ['token-rejected', 'job-trace-blocked'],
    from: [],
    says: (c) => `GitLab ended a job of ${c.name} that still ran here`,
    fix: () => [step('Nothing, if the job was cancelled. Otherwise check its timeout in GitLab.')],
  }),
  jobCause({
    id: 'job-trace-blocked',
    severity: 'warning',
    title: 'A server in front of GitLab rejects the log of jobs',
    meaning:
      'Polls succeed, but job logs are rejected: a filter treats their text as an attack or as too large.',
    evidence:
      "Several rejections (403, 413) of a job's log that are not from GitLab, while polls work.",
    notConfusedWith: ['job-rejected-by-server', 'edge-waf-blocked'],
    from: [],
    says: (c) => `a server in front of ${c.host} rejects the job logs of ${c.name}`,
    fix: (c) => [
      step(
        `In the filter in front of GitLab: exempt ${c.host}/api/v4/jobs/ from rules about request bodies, and allow at least 10 MiB.`,
      ),
    ],
  }),
  jobCause({
    id: 'job-environment-failed',
    severity: 'warning',
    title: 'The shell that prepares jobs ends with an error',
    meaning:
      "The runner starts a login shell before the job's script. A file that this shell reads (.profile, .bash_profile, .bash_logout) ends with an error, so that every job fails before its script begins.",
    evidence:
      'Three jobs in a row with `Job failed: prepare environment: exit status`, and none that was run between them.',
    notConfusedWith: ['runner-user-missing', 'runner-program-missing'],
    from: [],
    stopsJobs: true,
    says: (c) =>
      `the login shell of ${c.fact('jobs_user')} ends with an error before the script of any job of ${c.name} begins`,
    fix: (c) => {
      const user = quoteArgument(c.fact('jobs_user'));
      return [
        step(
          'Run an empty login shell as that user; an exit status other than 0 shows the fault.',
          `echo : | sudo -H -u ${user} bash --login; echo "exit status $?"`,
        ),
        step(
          'Often it is clear_console in .bash_logout, which fails without a terminal: move that file away.',
          `sudo -H -u ${user} sh -c 'mv ~/.bash_logout ~/.bash_logout.off'`,
        ),
        step(
          'Otherwise correct the last command of the other files that a login shell reads.',
          `sudo -H -u ${user} sh -c 'tail -n 20 ~/.profile ~/.bash_profile ~/.bash_login'`,
        ),
      ];
    },
    resolvedWhen: 'a job was run, or no job has failed this way for an hour',
  }),
  imageCause({
    id: 'docker-registry-rate-limited',
    stopsJobs: false,
    ofExecutors: IMAGE_EXECUTORS,
    title: 'The registry limits image pulls from this host',
    meaning: 'Public registries allow few pulls without a login or from a shared address.',
    evidence: 'The response `toomanyrequests` when an image is pulled.',
    notConfusedWith: ['gitlab-rate-limited', 'docker-image-pull-failed'],
    from: [],
    says: (c) => `the registry rejects image pulls for ${c.name}: too many requests`,
    fix: (c) => {
      const isCluster = siteOf(c) === 'cluster';
      const table = isCluster ? '[runners.kubernetes]' : '[runners.docker]';
      return [
        step(
          'Pull less often.',
          `sudoedit ${onHost(c, c.config)}   # ${table} pull_policy = "if-not-present"`,
        ),
        isCluster
          ? step(
              'Log in: image_pull_secrets in [runners.kubernetes], or DOCKER_AUTH_CONFIG; or give the nodes a mirror of the registry.',
            )
          : step(
              `Log in, or use a mirror: DOCKER_AUTH_CONFIG, or registry-mirrors in ${engineOf(c).settings}${onMachines(c)}.`,
            ),
      ];
    },
    suppresses: ['docker-image-pull-failed'],
  }),
  imageCause({
    id: 'docker-image-pull-failed',
    stopsJobs: false,
    ofExecutors: IMAGE_EXECUTORS,
    title: 'Images cannot be pulled',
    meaning:
      'The registry is unreachable, does not have the image, or requires a login. Jobs with other images run, unless it is the helper image of the runner.',
    evidence: 'The error of the pull.',
    notConfusedWith: ['docker-registry-rate-limited', 'docker-daemon-down'],
    from: [],
    says: (c) =>
      c.optional('helper_image') === undefined
        ? `images for jobs of ${c.name} cannot be pulled`
        : `the helper image, which each job of ${c.name} needs, cannot be pulled`,
    fix: (c) => [
      c.place.commands.showLog('Read the whole error: the lines about "pull".', 200),
      siteOf(c) === 'cluster'
        ? SHOW_EVENTS
        : step(
            `Pull the image named there${onMachines(c) || ' on this host'}, with "docker pull" and its name.`,
          ),
    ],
  }),
  imageCause({
    id: 'docker-registry-unreachable',
    stopsJobs: false,
    ofExecutors: IMAGE_EXECUTORS,
    title: 'The container engine cannot reach the registry',
    meaning:
      'The engine, not the runner, pulls images: it has its own name servers, proxy settings and certificates. GitLab may be reachable all the same.',
    evidence: 'A pull that fails at the request to the registry: name, connection, proxy or TLS.',
    notConfusedWith: ['docker-image-pull-failed', 'docker-registry-rate-limited'],
    from: [],
    says: (c) => `the container engine cannot reach the registry ${c.fact('registry')}`,
    fix: (c) => [
      ...(siteOf(c) === 'cluster' ? [SHOW_EVENTS] : []),
      step(
        'Check whether this host reaches the registry.',
        `curl -sS -o /dev/null -w '%{http_code}\\n' ${quoteArgument(`https://${c.fact('registry')}/v2/`)}`,
      ),
      siteOf(c) === 'cluster'
        ? step(
            'If it does, give the nodes of the cluster the same proxy, name servers and certificates.',
            'kubectl get nodes -o wide',
          )
        : askEngine(
            c,
            'If it does, give the engine the same proxy, name servers and certificates, and restart it.',
            'info',
          ),
    ],
    suppresses: ['docker-image-pull-failed'],
  }),
  imageCause({
    id: 'docker-runtime-failed',
    ofExecutors: IMAGE_EXECUTORS,
    title: 'The container engine cannot start containers',
    meaning:
      'The image is there, but the OCI runtime (runc, crun) fails when it sets up the container: its control groups, namespaces or mounts.',
    evidence:
      'An error of the OCI runtime or of a control group when a container of a job is started.',
    notConfusedWith: ['docker-daemon-down', 'docker-image-pull-failed', 'pids-limit-reached'],
    from: [],
    stopsJobs: true,
    says: (c) => `containers of jobs of ${c.name} cannot be started`,
    fix: (c) =>
      siteOf(c) === 'cluster'
        ? [
            SHOW_EVENTS,
            step(
              'Show the container runtime of the node that is named there.',
              'kubectl get nodes -o wide',
            ),
          ]
        : [
            askEngine(
              c,
              'Check whether the engine can start any container.',
              'run --rm alpine true',
            ),
            askEngine(c, 'Show its runtime, its control group driver and version.', 'info'),
            engineOf(c).showLog === undefined
              ? step('Read the log of the engine on its host.')
              : step('Read the whole error in its log.', engineOf(c).showLog),
          ],
  }),
  imageCause({
    id: 'kubernetes-forbidden',
    title: 'Kubernetes does not let the runner create what a job needs',
    meaning:
      "The service account of the runner lacks a permission, or a quota or policy of the namespace rejects the job's pod: every job fails before it starts.",
    evidence: 'The error `is forbidden` of the Kubernetes API in the preparation of a job.',
    notConfusedWith: ['token-rejected'],
    from: [],
    stopsJobs: true,
    says: (c) => {
      const account = c.optional('account');
      return account === undefined
        ? `Kubernetes rejects ${c.fact('resource')} for jobs of ${c.name}`
        : `${account} may not ${c.fact('verb')} ${c.fact('resource')} for jobs of ${c.name}`;
    },
    fix: (c) => {
      const [account, namespace] = [c.optional('account'), c.optional('namespace')];
      const inNamespace = namespace === undefined ? '' : ` -n ${quoteArgument(namespace)}`;
      return account === undefined
        ? [
            step(
              'Show the quotas of the namespace and how much of them is used.',
              'kubectl describe resourcequota -A',
            ),
            step('Raise the quota, or relax the policy that the quoted error names.'),
          ]
        : [
            step(
              'Check the permission.',
              `kubectl auth can-i ${quoteArgument(c.fact('verb'))} ${quoteArgument(c.fact('resource'))} --as ${quoteArgument(account)}${inNamespace}`,
            ),
            step(
              `Add ${c.fact('verb')} for ${c.fact('resource')} to the Role of that service account (with Helm: rbac.rules of the chart).`,
              `kubectl get roles,rolebindings${inNamespace} -o wide`,
            ),
          ];
    },
  }),
  imageCause({
    id: 'docker-network-pool-exhausted',
    stopsJobs: false,
    ofExecutors: DOCKER_EXECUTORS,
    title: 'Docker has no address range left for another network',
    meaning: 'Each job can have its own network, and networks of dead jobs remain.',
    evidence: 'The error `could not find an available, non-overlapping IPv4 address pool`.',
    notConfusedWith: ['network-no-route'],
    from: [],
    says: (c) => `Docker has no address range left for the networks of jobs of ${c.name}`,
    fix: (c) => [
      askEngine(c, 'Remove networks that no container uses.', 'network prune'),
      step(
        `Give Docker more address ranges: default-address-pools in ${engineOf(c).settings}${onMachines(c)}.`,
        engineOf(c).editSettings,
      ),
    ],
  }),
];
