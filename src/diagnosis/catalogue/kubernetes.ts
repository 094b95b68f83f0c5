/** Causes in the cluster of the kubernetes executor. Jobs fail; the runner still reaches GitLab. */
import type { FixStep } from '../../core/diagnosis.ts';
import { step } from '../../core/diagnosis.ts';
import { quoteArgument } from '../../core/shell.ts';
import type { CauseContext, CauseSpec } from '../cause-spec.ts';
import { AT_ONCE, family, onHost } from '../cause-spec.ts';
import { SHOW_EVENTS } from './job-site.ts';

const OF_CLUSTER = ['kubernetes'] as const;

const clusterCause = family({
  severity: 'warning',
  scope: 'executor',
  resolvedWhen: 'the check of Kubernetes passes again',
});

const inNamespace = (c: CauseContext) => {
  const namespace = c.optional('namespace');
  return namespace === undefined ? '' : ` -n ${quoteArgument(namespace)}`;
};

const edit = (c: CauseContext, text: string) => step(text, `sudoedit ${onHost(c, c.config)}`);

const askVersion = (c: CauseContext) =>
  step(
    'Ask the API server as the runner does; any answer in JSON shows that it is reached.',
    c.place.inNetwork(`curl -sk -m 10 ${quoteArgument(`${c.fact('api_url')}/version`)}`),
  );

/** Of a pod nothing names the server but the cluster itself. */
const isOfPod = (c: CauseContext) => c.fact('source') === 'KUBERNETES_SERVICE_HOST';

const correctHost = (c: CauseContext): readonly FixStep[] =>
  isOfPod(c) ? [] : [edit(c, 'If the address is wrong, correct host in [runners.kubernetes].')];

/** `create/get pods, delete secrets` as a rule of a Role. */
function rulesOf(c: CauseContext): string {
  return c
    .fact('rights')
    .split(', ')
    .map((right) => {
      const [verbs = '', resource = ''] = right.split(' ');
      return `{apiGroups: [""], resources: [${resource}], verbs: [${verbs.split('/').join(', ')}]}`;
    })
    .join(' and ');
}

function grant(c: CauseContext): readonly FixStep[] {
  const account = c.optional('account');
  const as = account === undefined ? '' : ` --as ${quoteArgument(account)}`;
  return [
    step('Show what the account may do.', `kubectl auth can-i --list${inNamespace(c)}${as}`),
    step(
      `Grant it the rest. In the official chart: rbac.create: true; if rbac.rules is set, add ${rulesOf(c)}. Without the chart: add that to its Role.`,
      `kubectl get roles,rolebindings${inNamespace(c)} -o wide`,
    ),
  ];
}

export const KUBERNETES_CAUSES: readonly CauseSpec[] = [
  clusterCause({
    id: 'kubernetes-api-unreachable',
    ofExecutors: OF_CLUSTER,
    title: 'The runner cannot reach the API server of Kubernetes',
    meaning:
      'The kubernetes executor asks the API server for each job: it does not accept the connection, does not respond, or its name does not resolve. Every job fails before it starts.',
    evidence: 'A request for its version, from the place and the network of the runner.',
    notConfusedWith: ['kubernetes-api-untrusted', 'kubernetes-host-wrong'],
    from: ['kubernetes/unreachable', 'kubernetes/silent'],
    stopsJobs: true,
    says: (c) =>
      `the runner cannot reach the API server of Kubernetes at ${c.fact('stands_on')} (${c.fact('source')})`,
    fix: (c) => [
      askVersion(c),
      step(
        'Check that no NetworkPolicy denies the pods of the runner this way out.',
        'kubectl get networkpolicies -A',
      ),
      ...correctHost(c),
    ],
  }),
  clusterCause({
    id: 'kubernetes-api-untrusted',
    ofExecutors: OF_CLUSTER,
    title: 'The runner does not trust the certificate of the API server of Kubernetes',
    meaning:
      'The certificate of the API server is signed by another authority than ca_file or the account of the pod names, is for another name, or has expired: every job fails before it starts.',
    evidence: 'The TLS handshake with the authority that the executor uses.',
    notConfusedWith: [
      'kubernetes-api-unreachable',
      'kubernetes-file-unusable',
      'tls-unknown-authority',
    ],
    from: ['kubernetes/ca-wrong', 'kubernetes/certificate-wrong'],
    stopsJobs: true,
    says: (c) =>
      `the runner does not trust the API server of Kubernetes at ${c.fact('stands_on')} (${c.fact('source')})`,
    fix: (c) => [
      step(
        'Show the authority of the cluster, as its own clients have it.',
        'kubectl get configmap kube-root-ca.crt -n kube-public -o jsonpath="{.data.ca\\.crt}" || kubectl get configmap kube-root-ca.crt -n default -o jsonpath="{.data.ca\\.crt}"',
      ),
      isOfPod(c)
        ? step('Restart the pod, which then has the current one.', c.place.commands.restart)
        : edit(c, 'Name the file with it as ca_file in [runners.kubernetes].'),
      ...correctHost(c),
    ],
  }),
  clusterCause({
    id: 'kubernetes-file-unusable',
    ofExecutors: OF_CLUSTER,
    title: 'A file that `[runners.kubernetes]` names cannot be used',
    meaning:
      'ca_file, cert_file or key_file is not there, has no certificate or key in it, or the key is not that of the certificate: the executor makes no client, and every job fails before it starts.',
    evidence: 'The files, where the runner looks for them.',
    notConfusedWith: ['kubernetes-api-untrusted', 'kubernetes-credentials-rejected'],
    changedBy: ['config', 'config-executor'],
    from: ['kubernetes/file-unusable'],
    stopsJobs: true,
    says: (c) =>
      `${c.name} cannot use ${c.fact('setting')} of the kubernetes executor: ${c.fact('because')}`,
    fix: (c) => [
      edit(
        c,
        `Correct ${c.fact('setting')} in [runners.kubernetes], or put the right file where it is named.`,
      ),
    ],
  }),
  clusterCause({
    id: 'kubernetes-host-wrong',
    ofExecutors: OF_CLUSTER,
    title: '`host` of the kubernetes executor is not the API server of a cluster',
    meaning:
      'What answers at the address is no API server of Kubernetes, or the address is no URL: every job fails before it starts.',
    evidence: 'The answer to a request for the version.',
    notConfusedWith: ['kubernetes-api-unreachable'],
    changedBy: ['config', 'config-executor'],
    from: ['kubernetes/not-an-api', 'kubernetes/host-invalid'],
    stopsJobs: true,
    says: (c) =>
      `what answers at ${c.fact('stands_on')} (${c.fact('source')}) is not the API server of Kubernetes`,
    fix: (c) => [
      step('Show the right address.', 'kubectl cluster-info'),
      edit(c, 'Correct host in [runners.kubernetes].'),
    ],
  }),
  clusterCause({
    id: 'kubernetes-credentials-rejected',
    ofExecutors: OF_CLUSTER,
    title: 'Kubernetes rejects the credentials of the runner',
    meaning:
      'The token of the service account, bearer_token or the client certificate has expired, is of another cluster, or is not there: every job fails before it starts.',
    evidence: 'The answer 401 of the API server, or a pod without a token.',
    notConfusedWith: ['kubernetes-rights-missing', 'token-rejected'],
    from: ['kubernetes/credentials-rejected', 'kubernetes/account-missing'],
    stopsJobs: true,
    says: (c) =>
      `the API server of Kubernetes at ${c.fact('stands_on')} rejects the credentials of ${c.name}`,
    fix: (c) =>
      isOfPod(c)
        ? [
            step(
              'Check that the pod has a service account with automountServiceAccountToken.',
              'kubectl get serviceaccounts -A',
            ),
            step('Restart the pod, which then has a new token.', c.place.commands.restart),
          ]
        : [
            edit(
              c,
              'Write a current bearer_token, or cert_file and key_file, in [runners.kubernetes].',
            ),
          ],
  }),
  clusterCause({
    id: 'kubernetes-rights-missing',
    ofExecutors: OF_CLUSTER,
    title: 'The service account of the runner may not start the pods of jobs',
    meaning:
      'The kubernetes executor creates a pod for each job, runs the job by attach (by exec with FF_USE_LEGACY_KUBERNETES_EXECUTION_STRATEGY) and reads its log by exec. Its account lacks a right for this: no job succeeds.',
    evidence: 'Access reviews of the API server with the account of the runner.',
    notConfusedWith: ['kubernetes-credentials-rejected', 'kubernetes-forbidden'],
    changedBy: [],
    from: ['kubernetes/rights-missing'],
    confirm: AT_ONCE,
    stopsJobs: true,
    says: (c) =>
      `${c.optional('account') ?? 'the account of the runner'} may not ${c.fact('rights')}, which every job of ${c.name} needs`,
    fix: grant,
    suppresses: ['kubernetes-forbidden'],
  }),
  clusterCause({
    id: 'kubernetes-rights-incomplete',
    severity: 'notice',
    ofExecutors: OF_CLUSTER,
    title: 'The service account of the runner lacks rights that some jobs need',
    meaning:
      'Jobs that pull from a registry with a login need secrets, and pods are deleted after each job. Other jobs run.',
    evidence: 'Access reviews of the API server with the account of the runner.',
    notConfusedWith: ['kubernetes-rights-missing'],
    changedBy: [],
    from: ['kubernetes/rights-incomplete'],
    confirm: AT_ONCE,
    says: (c) =>
      `${c.optional('account') ?? 'the account of the runner'} may not ${c.fact('rights')}, which some jobs of ${c.name} need`,
    fix: grant,
  }),
  clusterCause({
    id: 'kubernetes-pod-pending',
    ofExecutors: OF_CLUSTER,
    title: 'The pods of jobs do not start in time',
    meaning:
      'The cluster has accepted the pod of a job, and no node runs it within poll_timeout (3 minutes): no node has room for it, its volume or node selector fits none, or its image is slow.',
    evidence: 'The line `timed out waiting for pod to start` in the preparation of a job.',
    notConfusedWith: ['kubernetes-forbidden', 'docker-image-pull-failed'],
    changedBy: ['config-executor'],
    from: [],
    stopsJobs: false,
    says: (c) => `the pods of jobs of ${c.name} do not start in time`,
    fix: (c) => [
      SHOW_EVENTS,
      step('Show how much of each node is taken.', 'kubectl describe nodes'),
      edit(
        c,
        'Give the cluster more nodes, or jobs smaller requests; where nodes are only slow to come, raise poll_timeout in [runners.kubernetes].',
      ),
    ],
    resolvedWhen: 'a job was run, or no job has had this error for 15 minutes',
  }),
];
