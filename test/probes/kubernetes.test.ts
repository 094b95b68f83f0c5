/** The kubernetes executor, with a server that answers as the API server of a cluster. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

import { describe, expect, test } from 'vitest';

import type { Finding } from '../../src/core/finding.ts';
import type { Place } from '../../src/core/place.ts';
import { Secret } from '../../src/core/secret.ts';
import type { ClusterBackend } from '../../src/core/target.ts';
import { httpUrlOf } from '../../src/go/http-url.ts';
import { PACKAGED_PLACE } from '../../src/host/place/packaged.ts';
import { createKubernetes } from '../../src/probes/kubernetes.ts';
import type { Shape } from '../support/certificates.ts';
import { daysFromNow, make, makeRoot } from '../support/certificates.ts';
import { rootFolder } from '../support/dns-server.ts';
import type { ClusterScript, ClusterStandIn } from '../support/kubernetes-stand-in.ts';
import { accountToken, createCluster } from '../support/kubernetes-stand-in.ts';
import { runProbe } from '../support/run-probe.ts';
import { closedPort, startDeafServer } from '../support/tcp-server.ts';

const ROOT = makeRoot({ name: 'kubernetes' });
const ACCOUNT = 'system:serviceaccount:gitlab:runner';
const TOKEN = accountToken(ACCOUNT);
const FILES = { '/account/ca.crt': ROOT.pem, '/account/token': `${TOKEN}\n` };
const PLAIN = {
  proxy: { kind: 'direct', because: '' },
  lacks: [],
  system: {},
  runsByExec: false,
} as const;
const REVIEWS = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
const SLOW: ClusterScript = { instead: { [REVIEWS]: 'silent' } };
const WITHOUT_REVIEWS: ClusterScript = {
  instead: { [REVIEWS]: { status: 404, body: '{"message":"404"}' } },
};
const UNSEEN: Place = { ...PACKAGED_PLACE, unseen: 'the process is not visible' };

function certificate(over: Partial<Shape> = {}) {
  const leaf = make(
    { name: 'kube-apiserver', ip: ['127.0.0.1'], isAuthority: false, ...over },
    ROOT,
  );
  return { cert: leaf.pem, key: leaf.keyPem };
}

interface Given {
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

async function look(given: Given = {}): Promise<Seen> {
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

const findingOf = async (given: Given): Promise<Finding> => (await look(given)).finding;

describe('an API server', () => {
  test('that grants what jobs need passes, with the account that asked', async () => {
    const { finding, cluster } = await look();

    expect(finding).toEqual({
      status: 'pass',
      measures: { answer_seconds: expect.any(Number), missing_rights: 0 },
      facts: {
        stands_on: expect.stringMatching(/^https:\/\/127\.0\.0\.1:\d+$/),
        executor: 'kubernetes',
        source: 'KUBERNETES_SERVICE_HOST',
        api_url: expect.stringMatching(/^https:\/\/127\.0\.0\.1:\d+$/),
        account: ACCOUNT,
        namespace: 'gitlab',
        server_version: 'v1.31.2',
      },
    });
    expect(cluster.asked).toEqual([
      'GET /version',
      'create pods in gitlab',
      'get pods in gitlab',
      'create pods/exec in gitlab',
      'create pods/attach in gitlab',
      'delete pods in gitlab',
      'create secrets in gitlab',
      'get secrets in gitlab',
      'update secrets in gitlab',
      'delete secrets in gitlab',
    ]);
  });

  test('shows its token nowhere', async () => {
    const seen = [
      await look(),
      await look({ says: { token: 'other' } }),
      await look({ says: { token: TOKEN, denied: ['create pods'] } }),
    ];

    expect(JSON.stringify(seen.map(({ finding }) => finding))).not.toContain(TOKEN.slice(0, 20));
  });

  test('is asked for rights once in their span, and for its version each time', async () => {
    const [kept, fresh] = [await look({ again: 300 }), await look({ again: 0 })];

    expect(kept.cluster.asked.filter((asked) => asked === 'GET /version')).toHaveLength(2);
    expect(kept.cluster.asked).toHaveLength(11);
    expect(fresh.cluster.asked).toHaveLength(20);
  });

  test.each([
    ['a job by exec needs no attach', true, ['create pods/attach'], 'pass'],
    ['a job by exec needs exec', true, ['create pods/exec'], 'fail rights-missing'],
    ['the log of a job by attach needs exec', false, ['create pods/exec'], 'fail rights-missing'],
    [
      'without both no job runs',
      false,
      ['create pods/exec', 'create pods/attach'],
      'fail rights-missing',
    ],
    [
      'without attach jobs by exec run, which a job may ask for',
      false,
      ['create pods/attach'],
      'warn rights-incomplete',
    ],
  ])('%s', async (_what, runsByExec, denied, reason) => {
    const backend = { runsByExec };

    expect(await reasonOf({ backend, says: { token: TOKEN, denied } })).toBe(reason);
  });

  test('that denies what every job needs fails, each right named', async () => {
    const denied = ['create pods', 'get pods', 'create pods/attach', 'create secrets'];

    expect(await findingOf({ says: { token: TOKEN, denied } })).toMatchObject({
      status: 'fail',
      reason: 'rights-missing',
      detail: `${ACCOUNT} may not create/get pods, create pods/attach, create secrets in the namespace gitlab`,
      facts: { rights: 'create/get pods, create pods/attach, create secrets' },
      measures: { missing_rights: 4 },
    });
  });

  test('that denies what some jobs need warns', async () => {
    expect(await findingOf({ says: { token: TOKEN, denied: ['create secrets'] } })).toMatchObject({
      status: 'warn',
      reason: 'rights-incomplete',
    });
  });

  test('that could not evaluate a right has not denied it', async () => {
    const says = { token: TOKEN, denied: ['create pods'], evaluationError: 'webhook timed out' };

    expect(await findingOf({ says })).toMatchObject({ status: 'pass' });
  });

  test('below a path is named with it', async () => {
    const api = httpUrlOf('http://127.0.0.1:1/k8s/clusters/c-x');
    if (typeof api === 'string') throw new Error(api);

    expect(await findingOf({ backend: { api } })).toMatchObject({
      reason: 'unreachable',
      facts: { api_url: 'http://127.0.0.1:1/k8s/clusters/c-x' },
    });
  });

  test('of jobs with a namespace of their own is asked for all namespaces', async () => {
    const { cluster } = await look({ backend: { namespace: undefined as never } });

    expect(cluster.asked).toContain('create pods in ');
  });
});

async function reasonOf(given: Given): Promise<string> {
  const finding = await findingOf(given);
  return finding.status === 'pass' ? 'pass' : `${finding.status} ${finding.reason}`;
}

describe('what stops every job', () => {
  test('a server that is not there', async () => {
    expect(await reasonOf({ port: await closedPort() })).toBe('fail unreachable');
  });

  test('a server that says nothing', async () => {
    await using deaf = await startDeafServer();

    expect(await reasonOf({ port: deaf.port })).toBe('fail silent');
    expect(await reasonOf({ says: { token: TOKEN, instead: { '/version': 'silent' } } })).toBe(
      'fail silent',
    );
  });

  test('another authority, name or time of its certificate', async () => {
    const other = makeRoot({ name: 'other' });

    expect(await reasonOf({ files: { ...FILES, '/account/ca.crt': other.pem } })).toBe(
      'fail ca-wrong',
    );
    expect(await reasonOf({ tls: certificate({ ip: ['10.96.0.1'] }) })).toBe(
      'fail certificate-wrong',
    );
    expect(await reasonOf({ tls: certificate({ until: daysFromNow(-1) }) })).toBe(
      'fail certificate-wrong',
    );
  });

  test('without an authority of its own, one that the system does not know', async () => {
    const files = { '/account/token': TOKEN };

    expect(await reasonOf({ files })).toBe('fail ca-wrong');
    expect(
      await reasonOf({ files: { ...files, '/etc/ssl/certs/ca-certificates.crt': ROOT.pem } }),
    ).toBe('pass');
  });

  test.each([
    ['a web page', { status: 200, body: '<html>' }],
    ['a page of another server', { status: 404, body: '{"message":"404"}' }],
  ])('%s where the API should be', async (_what, page) => {
    expect(await reasonOf({ says: { token: TOKEN, instead: { '/version': page } } })).toBe(
      'fail not-an-api',
    );
  });

  test('a server without TLS where the address has https', async () => {
    const { server } = createCluster();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;

    expect(await reasonOf({ port })).toBe('fail not-an-api');
    server.close();
  });

  test('credentials that are refused, or none', async () => {
    expect(await reasonOf({ says: { token: 'other' } })).toBe('fail credentials-rejected');
    expect(await reasonOf({ files: { '/account/ca.crt': ROOT.pem } })).toBe('fail account-missing');
  });

  test('settings that client-go refuses', async () => {
    expect(await reasonOf({ backend: { lacks: ['key_file'] } })).toBe('fail setting-missing');
    expect(await reasonOf({ backend: { api: undefined } })).toBe('fail host-invalid');
  });

  test('without an account, none of another place either', async () => {
    const files = { '/account/ca.crt': ROOT.pem };
    const backend = { kubeconfigs: ['/home/runner/.kube/config'] };
    const kubeconfig = { '/home/runner/.kube/config': 'apiVersion: v1' };

    expect(await reasonOf({ files, backend })).toBe('fail account-missing');
    expect(await findingOf({ files: { ...files, ...kubeconfig }, backend })).toMatchObject({
      status: 'unknown',
      reason: 'not-examined',
      detail: expect.stringContaining('/home/runner/.kube/config'),
    });
  });
});

describe('files of an entry', () => {
  const client = make({ name: 'runner' }, ROOT);
  const named = {
    tokenFile: undefined as never,
    caFile: '/ca.pem',
    certFile: '/cert.pem',
    keyFile: '/key.pem',
  };
  const files = { '/ca.pem': ROOT.pem, '/cert.pem': client.pem, '/key.pem': client.keyPem };
  const says = {};

  test('that fit are used, also where a key has more around it', async () => {
    const around = { ...files, '/key.pem': `Bag Attributes\n${client.keyPem}` };

    expect(await reasonOf({ backend: named, files, says })).toBe('pass');
    expect(await reasonOf({ backend: named, files: around, says })).toBe('pass');
  });

  test.each([
    ['ca_file', '/ca.pem', 'nothing', 'no certificate in /ca.pem'],
    ['cert_file with key_file', '/cert.pem', 'nothing', 'no certificate in /cert.pem'],
    ['cert_file with key_file', '/key.pem', 'nothing', 'no key in /key.pem'],
    [
      'cert_file with key_file',
      '/key.pem',
      make({ name: 'other' }).keyPem,
      '/key.pem does not match /cert.pem',
    ],
  ])('%s that cannot be used is named: %s', async (setting, path, text, because) => {
    const given = { backend: named, files: { ...files, [path]: text }, says };

    expect(await findingOf(given)).toMatchObject({
      status: 'fail',
      reason: 'file-unusable',
      facts: { setting, because },
    });
  });

  test.each([
    ['ca_file', '/ca.pem'],
    ['cert_file', '/cert.pem'],
    ['key_file', '/key.pem'],
  ])('%s that is not there is named', async (setting, path) => {
    const rest = Object.fromEntries(Object.entries(files).filter(([name]) => name !== path));

    expect(await findingOf({ backend: named, files: rest, says })).toMatchObject({
      status: 'fail',
      reason: 'file-unusable',
      facts: { setting, because: `there is no ${path}` },
    });
  });

  test('an intermediate alone is enough as authority, as in Go', async () => {
    const middle = make({ name: 'intermediate', isAuthority: true }, ROOT);
    const leaf = make({ name: 'api', ip: ['127.0.0.1'], isAuthority: false }, middle);
    const tls = { cert: leaf.pem, key: leaf.keyPem };

    expect(await reasonOf({ tls, files: { ...FILES, '/account/ca.crt': middle.pem } })).toBe(
      'pass',
    );
    expect(await reasonOf({ tls })).toBe('fail ca-wrong');
  });

  test.each([
    ['SSL_CERT_FILE', { systemFile: '/own/bundle.pem' }],
    ['SSL_CERT_DIR', { systemDirectories: ['/own'] }],
  ])('without an authority, %s of the runner counts', async (_what, system) => {
    const trusted = { '/account/token': TOKEN, '/own/bundle.pem': ROOT.pem };

    expect(await reasonOf({ files: trusted, backend: { system } })).toBe('pass');
    expect(await reasonOf({ files: trusted })).toBe('fail ca-wrong');
  });

  test.each([
    ['an empty ca_file', '', { tokenFile: undefined as never, token: new Secret(TOKEN) }],
    ['an authority of the pod without a certificate', 'nothing', {}],
  ])('%s is the same as none', async (_what, text, backend) => {
    const bundle = { '/etc/ssl/certs/ca-certificates.crt': ROOT.pem };

    expect(
      await reasonOf({ backend, files: { ...FILES, ...bundle, '/account/ca.crt': text } }),
    ).toBe('pass');
  });
});

describe('what is not known', () => {
  test.each<[string, Given]>([
    ['an answer 403', { says: { instead: { '/version': { status: 403, body: '{}' } } } }],
    ['an answer 503', { says: { instead: { '/version': { status: 503, body: '' } } } }],
    [
      'a proxy on the way',
      {
        backend: {
          proxy: { kind: 'proxy', scheme: 'http', host: 'p', port: 3128, variable: 'HTTPS_PROXY' },
        },
      },
    ],
    ['an answer to reviews that does not come', { says: SLOW }],
    ['a server in between that knows no reviews', { says: WITHOUT_REVIEWS }],
    ['a file of another container', { files: {}, place: UNSEEN }],
    ['the trust of another image', { files: { '/account/token': TOKEN }, place: UNSEEN }],
  ])('%s is no fault', async (_what, given) => {
    expect(await findingOf(given)).toMatchObject({ status: 'unknown', reason: 'not-examined' });
  });
});

test('the token of config.toml counts, with the files that it names', async () => {
  const backend = {
    source: 'host of k8s-1',
    tokenFile: undefined as never,
    token: new Secret('entry-token'),
  };

  expect(await findingOf({ backend, says: { token: 'entry-token' } })).toMatchObject({
    status: 'pass',
  });
});
