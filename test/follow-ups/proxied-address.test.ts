/** A proxy that connects GitLab's name to one server and its address to another, with name servers on loopback. */
import { connect } from 'node:net';

import { describe, expect, test } from 'vitest';

import type { Finding } from '../../src/core/finding.ts';
import type { EndpointTarget } from '../../src/core/target.ts';
import { startGitLabStandIn } from '../../src/demo/gitlab-stand-in.ts';
import type { GitLabStandIn } from '../../src/demo/gitlab-stand-in.ts';
import { proxiedAddress } from '../../src/follow-ups/proxied-address.ts';
import { make } from '../support/certificates.ts';
import type { Proxy } from '../support/connect-proxy.ts';
import { proxyAt, startScriptedProxy } from '../support/connect-proxy.ts';
import type { Failed } from '../support/cross-check.ts';
import {
  ALIVE,
  DIALLED,
  ENTRY,
  failed,
  LEAF,
  ONE,
  only,
  ROOT,
  ROOTS,
  startGitLab,
  STRANGE_LEAF,
} from '../support/cross-check.ts';
import type { Script } from '../support/dns-server.ts';
import { rootFolder, startDnsServer } from '../support/dns-server.ts';
import { ENDPOINT } from '../support/probes.ts';
import { followUp } from '../support/run-follow-up.ts';
import { unlimitedBudget } from '../support/run-probe.ts';
import type { TlsServer } from '../support/tls-server.ts';
import { startTlsServer } from '../support/tls-server.ts';

const PASS = { status: 'pass' } as const;
const AT_PROXY = { address: ALIVE, family: 4 } as const;

interface Stage {
  readonly of: Failed;
  /** Where the proxy leads the name; nowhere when it opens no tunnel to it. */
  readonly named?: GitLabStandIn;
  /** Where it leads an address; it refuses that when there is none. */
  readonly addressed?: GitLabStandIn;
  readonly names?: Script;
  readonly proxy?: Partial<Proxy>;
  readonly url?: string;
  readonly isPaused?: boolean;
  /** The proxy is spoken to over TLS. */
  readonly isSecure?: boolean;
}

const PROXY_LEAF = make({ name: 'proxy', ip: ['127.0.0.1'], isAuthority: false }, ROOT);

async function startSecureFront(to: number): Promise<TlsServer> {
  return await startTlsServer({ chain: [PROXY_LEAF] }, (socket) => {
    const onward = connect(to, '127.0.0.1');
    socket.pipe(onward).pipe(socket);
    onward.on('error', () => socket.destroy());
    socket.once('close', () => onward.destroy());
  });
}

/** What the proxy link says after a link behind it has failed. */
async function ask(stage: Stage): Promise<Finding> {
  const { of, named, addressed, names = only(ALIVE), proxy = {}, isPaused = false } = stage;
  await using server = await startDnsServer(names);
  await using root = await rootFolder({ '/etc/resolv.conf': ONE, ...ROOTS });
  await using between = await startScriptedProxy((socket, nth) => {
    const isName = between.received[nth]?.startsWith('CONNECT gitlab.test:') === true;
    const to = isName ? named : addressed;
    if (to === undefined) return void socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    const onward = connect(to.port, ALIVE, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      socket.pipe(onward).pipe(socket);
    });
    onward.on('error', () => socket.destroy());
    socket.on('error', () => onward.destroy()).once('close', () => onward.destroy());
  });
  await using front = await startSecureFront(between.port);
  const port = stage.isSecure === true ? front.port : between.port;
  const url = new URL(stage.url ?? `https://gitlab.test:${addressed?.port ?? 443}/`);
  const target: EndpointTarget = { ...ENDPOINT, url, proxy: proxyAt(port, proxy) };
  const walk = { attempts: [DIALLED], addresses: [AT_PROXY] };
  const budget = { ...unlimitedBudget, isPaused: () => isPaused };
  const tools = { paths: root.paths, dnsPort: server.port, walk, budget };
  const runners = of.link === 'token' ? { runners: [ENTRY] } : {};
  return await followUp(proxiedAddress, { ...of, ...runners, base: PASS, target, tools });
}

const EXPIRED = failed('tls', 'expired');
const FORBIDDEN = failed('http', 'forbidden');
const REJECTED = failed('token', 'rejected');
const START = { status: 'warn', reason: 'other-server' } as const;

describe('through the same proxy', () => {
  test('another server answers at the address of the name', async () => {
    await using right = await startGitLab();
    await using wrong = await startGitLab(STRANGE_LEAF);
    const found = await ask({ of: EXPIRED, named: wrong, addressed: right });

    expect(found).toMatchObject({
      ...START,
      facts: {
        trial: 'tls',
        name: 'gitlab.test',
        right: ALIVE,
        right_source: '127.0.0.1',
        right_does: 'where GitLab answers',
        wrong_does: 'has a certificate that the runner rejects (it is refused)',
      },
    });
  });

  test('another server answers at the address of the name, and the proxy is spoken to over TLS', async () => {
    await using right = await startGitLab();
    await using wrong = await startGitLab(STRANGE_LEAF);
    const proxy = { scheme: 'https' } as const;

    expect(
      await ask({ of: EXPIRED, named: wrong, addressed: right, isSecure: true, proxy }),
    ).toMatchObject({ ...START, facts: { trial: 'tls', right: ALIVE } });
  });

  test.each([FORBIDDEN, failed('api', 'not-gitlab')])(
    'it passes after $link, which the name fails again',
    async (of) => {
      await using right = await startGitLab();
      await using wrong = await startGitLab();
      wrong.fault = 'bad-gateway';

      expect(await ask({ of, named: wrong, addressed: right })).toMatchObject(START);
    },
  );

  test('its GitLab accepts the token', async () => {
    await using right = await startGitLab();
    await using wrong = await startGitLab();
    right.tokens.add(ENTRY.token.reveal());

    expect(await ask({ of: REJECTED, named: wrong, addressed: right })).toMatchObject({
      ...START,
      facts: { trial: 'token', right_does: 'where GitLab accepts the token' },
    });
    expect(wrong.requests).toEqual([]);
  });
});

describe('nothing is said', () => {
  test.each([EXPIRED, FORBIDDEN, failed('api', 'not-gitlab')])(
    'when the name passes again after $link: it came and went',
    async (of) => {
      await using right = await startGitLab();

      expect(await ask({ of, named: right, addressed: right })).toEqual(PASS);
    },
  );

  test.each([EXPIRED, FORBIDDEN, REJECTED])(
    'when the server at the address fails $link as well',
    async (of) => {
      await using strange = await startGitLab(of === EXPIRED ? STRANGE_LEAF : LEAF);
      if (of === FORBIDDEN) strange.fault = 'bad-gateway';

      expect(await ask({ of, named: strange, addressed: strange })).toEqual(PASS);
    },
  );

  test('when the proxy connects to no address, or this host does not find the name', async () => {
    await using right = await startGitLab();

    expect(await ask({ of: EXPIRED, named: right })).toEqual(PASS);
    expect(await ask({ of: EXPIRED, addressed: right, names: () => 'nxdomain' })).toEqual(PASS);
  });

  test('and no token is sent where the certificate does not prove the name', async () => {
    await using strange = await startGitLab(STRANGE_LEAF);
    strange.tokens.add(ENTRY.token.reveal());

    expect(await ask({ of: REJECTED, addressed: strange })).toEqual(PASS);
    expect(strange.requests).toEqual([]);
  });

  test.each<[string, Partial<Stage>]>([
    ['over http://, where no server proves its name', { url: 'http://gitlab.test/' }],
    ['of an address in place of a name', { url: 'https://127.0.0.1/' }],
    ['behind a proxy that does not speak TLS as its URL says', { proxy: { scheme: 'https' } }],
    ['while GitLab asks for a pause', { isPaused: true }],
  ])('%s', async (_what, over) => {
    await using right = await startGitLabStandIn();
    right.tokens.add(ENTRY.token.reveal());

    expect(await ask({ of: REJECTED, addressed: right, ...over })).toEqual(PASS);
    expect(right.requests).toEqual([]);
  });

  test('after a handshake without an answer, which is of the path', async () => {
    await using right = await startGitLab();
    const silent = failed('tls', 'handshake-blocked', { is_silent: true });

    expect(await ask({ of: silent, addressed: right })).toEqual(PASS);
  });
});
