/** Where the kubernetes executor finds its API server, and as whom it asks: docs/reference/runner-config.md#kubernetes. */
import { isIP } from 'node:net';
import { join } from 'node:path';

import type { ClusterBackend, ExecutorBackend } from '../core/target.ts';
import type { ClusterSettings } from '../config/runner/executor-settings.ts';
import type { RunnerEntry } from '../config/runner/runner-config.ts';
import type { Environment } from '../config/runner/expand.ts';
import { httpUrlOf } from '../go/http-url.ts';
import { decideProxy } from '../go/proxy/decision.ts';
import { asProcessSees } from '../host/place/runner-files.ts';
import type { TargetsQuestion } from './endpoint-target.ts';
import { environmentOf, systemTrustOf } from './endpoint-target.ts';

const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
const DEFAULT_NAMESPACE = 'default';

interface Found {
  readonly id: string;
  readonly backend: Extract<ExecutorBackend, { kind: 'cluster' }>;
}

/** A text where it is not known: why. */
export function clusterOf(
  entry: RunnerEntry,
  settings: ClusterSettings,
  question: TargetsQuestion,
): Found | string {
  const { process, place, unitEnvironment } = question;
  // Where the process does not show its own, what systemd gave it is the best guess.
  const environment = environmentOf(question) ?? unitEnvironment ?? place.ownEnvironment;
  const { host } = settings;
  if (environment === undefined) {
    const what = host === undefined ? 'the API server' : 'its proxy and its authorities';
    return process === undefined
      ? `the runner is not running, so the environment that names ${what} is unknown`
      : `the environment of the process, which names ${what}, cannot be read`;
  }
  if (host !== undefined) return ofHost(host, entry, settings, question, environment);
  const { KUBERNETES_SERVICE_HOST = '', KUBERNETES_SERVICE_PORT = '' } = environment;
  if (KUBERNETES_SERVICE_HOST === '' || KUBERNETES_SERVICE_PORT === '')
    return 'the runner takes its cluster from a kubeconfig, which runnerwatch does not read';
  const isIpv6 = isIP(KUBERNETES_SERVICE_HOST) === 6;
  const name = isIpv6 ? `[${KUBERNETES_SERVICE_HOST}]` : KUBERNETES_SERVICE_HOST;
  const api = `https://${name}:${KUBERNETES_SERVICE_PORT}`;
  return found(api, settings, environment, {
    source: 'KUBERNETES_SERVICE_HOST',
    caFile: `${ACCOUNT}/ca.crt`,
    tokenFile: `${ACCOUNT}/token`,
    kubeconfigs: kubeconfigsOf(environment, process),
    lacks: [],
  });
}

/** As client-go finds them. */
function kubeconfigsOf(
  { KUBECONFIG = '', HOME = '' }: Environment,
  process: TargetsQuestion['process'],
): readonly string[] {
  const files = KUBECONFIG === '' ? [join(HOME, '.kube/config')] : KUBECONFIG.split(':');
  return files.filter((file) => file !== '').map((file) => asProcessSees(file, process));
}

/** A host without a scheme is https where files for TLS are given. */
function ofHost(
  host: string,
  { name, number }: RunnerEntry,
  settings: ClusterSettings,
  { process }: TargetsQuestion,
  environment: Environment,
): Found {
  const { caFile, certFile, bearerToken: token } = settings;
  const keyFile = certFile === undefined ? undefined : settings.keyFile;
  const isTls = caFile !== undefined || certFile !== undefined;
  const hasScheme = host.includes('://');
  const files = { caFile, certFile, keyFile };
  const seen = Object.entries(files).flatMap(([key, file]) =>
    file === undefined ? [] : [[key, asProcessSees(file, process)]],
  );
  const isHalf = certFile !== undefined && (keyFile === undefined || caFile === undefined);
  return found(hasScheme ? host : `${isTls ? 'https' : 'http'}://${host}`, settings, environment, {
    source: `host of ${name === '' ? `entry ${number}` : name}`,
    ...(Object.fromEntries(seen) as Pick<ClusterBackend, 'caFile' | 'certFile' | 'keyFile'>),
    ...(token === undefined ? {} : { token }),
    lacks: isHalf ? ['key_file and ca_file beside cert_file in [runners.kubernetes]'] : [],
  });
}

function found(
  address: string,
  { namespace = DEFAULT_NAMESPACE, hasNamespacePerJob, runsByExec }: ClusterSettings,
  environment: Environment,
  rest: Omit<ClusterBackend, 'kind' | 'api' | 'proxy' | 'namespace' | 'runsByExec' | 'system'>,
): Found {
  const read = httpUrlOf(address);
  const api = typeof read === 'string' ? undefined : read;
  return {
    id: api?.origin ?? rest.source,
    backend: {
      kind: 'cluster',
      api,
      proxy:
        api === undefined
          ? { kind: 'direct', because: 'its address is no URL' }
          : decideProxy(api, environment),
      ...(hasNamespacePerJob ? {} : { namespace }),
      runsByExec,
      system: systemTrustOf(environment),
      ...rest,
    },
  };
}
