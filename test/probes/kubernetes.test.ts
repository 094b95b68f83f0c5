/** The kubernetes executor, with a server that answers as the API server of a cluster. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

import { describe, expect, test } from 'vitest';

import type { Place } from '../../src/core/place.ts';
import { Secret } from '../../src/core/secret.ts';
import { httpUrlOf } from '../../src/go/http-url.ts';
import { PACKAGED_PLACE } from '../../src/host/place/packaged.ts';
import { daysFromNow, makeRoot } from '../support/certificates.ts';
import type { Given } from '../support/kubernetes-look.ts';
import {
  ACCOUNT,
  certificate,
  FILES,
  findingOf,
  look,
  reasonOf,
  ROOT,
  TOKEN,
} from '../support/kubernetes-look.ts';
import type { ClusterScript } from '../support/kubernetes-stand-in.ts';
import { createCluster } from '../support/kubernetes-stand-in.ts';
import { closedPort, startDeafServer } from '../support/tcp-server.ts';

const REVIEWS = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
const SLOW: ClusterScript = { instead: { [REVIEWS]: 'silent' } };
const WITHOUT_REVIEWS: ClusterScript = {
  instead: { [REVIEWS]: { status: 404, body: '{"message":"404"}' } },
};
const UNSEEN: Place = { ...PACKAGED_PLACE, unseen: 'the process is not visible' };

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
      'a job by attach does not fall back to exec',
      false,
      ['create pods/attach'],
      'fail rights-missing',
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
