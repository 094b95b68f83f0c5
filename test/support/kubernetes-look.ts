/** A look of the check `kubernetes` at a server that answers as the API server of a cluster. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

import type { Finding } from '../../src/core/finding.ts';
import type { Place } from '../../src/core/place.ts';
import type { ClusterBackend } from '../../src/core/target.ts';
import { httpUrlOf } from '../../src/go/http-url.ts';
import { createKubernetes } from '../../src/probes/kubernetes.ts';
import type { Shape } from './certificates.ts';
import { make, makeRoot } from './certificates.ts';
import { rootFolder } from './dns-server.ts';
import type { ClusterScript, ClusterStandIn } from './kubernetes-stand-in.ts';
import { accountToken, createCluster } from './kubernetes-stand-in.ts';
import { runProbe } from './run-probe.ts';

export const ROOT = makeRoot({ name: 'kubernetes' });
export const ACCOUNT = 'system:serviceaccount:gitlab:runner';
export const TOKEN = accountToken(ACCOUNT);
export const FILES = { '/account/ca.crt': ROOT.pem, '/account/token': `${TOKEN}\n` };
const PLAIN = {
  proxy: { kind: 'direct', because: '' },
  lacks: [],
  system: {},
  runsByExec: false,
} as const;
export function certificate(over: Partial<Shape> = {}) {
  const leaf = make(
    { name: 'kube-apiserver', ip: ['127.0.0.1'], isAuthority: false, ...over },
    ROOT,
  );
  return { cert: leaf.pem, key: leaf.keyPem };
}

export interface Given {
  readonly says?: ClusterScript;
  readonly tls?: ReturnType<typeof certificate> | 'none';
  readonly files?: Readonly<Record<string, string>>;
  readonly backend?: Partial<ClusterBackend>;
  readonly place?: Place;
  /** Looks twice, and how long an answer is kept. */
  readonly again?: number;
  readonly port?: number;
}

interface Seen {
  readonly finding: Finding;
  readonly cluster: ClusterStandIn;
}

export async function look(given: Given = {}): Promise<Seen> {
  const { says = { token: TOKEN }, tls = certificate(), files = FILES, again, place } = given;
  await using root = await rootFolder(files);
  const isPlain = tls === 'none';
  const cluster = createCluster(says, isPlain ? undefined : tls);
  const { server } = cluster;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  await using stack = new AsyncDisposableStack();
  stack.defer(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const { port } = server.address() as AddressInfo;
  const api = httpUrlOf(`${isPlain ? 'http' : 'https'}://127.0.0.1:${given.port ?? port}`);
  if (typeof api === 'string') throw new Error(api);
  const target = {
    kind: 'executor',
    id: api.origin,
    executor: 'kubernetes',
    runners: ['a'],
    backend: {
      kind: 'cluster',
      api,
      source: 'KUBERNETES_SERVICE_HOST',
      namespace: 'gitlab',
      caFile: '/account/ca.crt',
      tokenFile: '/account/token',
      ...PLAIN,
      ...given.backend,
    },
  } as const;
  const probe = createKubernetes();
  const over = {
    tools: {
      paths: root.paths,
      ...(place === undefined ? {} : { place: { ...place, paths: root.paths } }),
    },
    options: { answer_seconds: 2, review_seconds: again ?? 300 },
  };
  const finding = await runProbe(probe, target, over);
  return { finding: again === undefined ? finding : await runProbe(probe, target, over), cluster };
}

export const findingOf = async (given: Given): Promise<Finding> => (await look(given)).finding;

/** `fail unreachable`, `pass` */
export async function reasonOf(given: Given): Promise<string> {
  const finding = await findingOf(given);
  return finding.status === 'pass' ? 'pass' : `${finding.status} ${finding.reason}`;
}
