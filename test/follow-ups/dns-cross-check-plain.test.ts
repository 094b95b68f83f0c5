/** A rejected token over http://, where no server proves its name: another GitLab at another address of the name is known by its keys. */
import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { expect, test } from 'vitest';

import type { FollowUpMemory } from '../../src/checks/follow-up.ts';
import type { Finding } from '../../src/core/finding.ts';
import { reasonOf } from '../../src/core/finding.ts';
import { createGitLabStandIn } from '../../src/demo/gitlab-stand-in.ts';
import { ALIVE, ENTRY, failed, ONE, runOnce } from '../support/cross-check.ts';
import type { Stage } from '../support/cross-check.ts';
import { requestBudget } from '../support/request-budget.ts';
import { setClock } from '../support/clock.ts';
import { startDnsServer } from '../support/dns-server.ts';
import { unlimitedBudget } from '../support/run-probe.ts';

const USED = '127.0.0.9';

/** Both addresses are of this machine: dns says that much by itself. */
const UNDOUBTED = { status: 'warn', reason: 'sinkhole' };

async function startAt(host: string, port: number, listener: RequestListener) {
  const server = createServer(listener).listen({ host, port });
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** A further look: with what was found before, and further addresses of the name. */
interface Later {
  readonly memory?: FollowUpMemory;
  readonly more?: readonly string[];
}

/** What the name is found to be when the token is rejected at the first of its two addresses. */
async function judge(
  used: RequestListener,
  other: RequestListener,
  tools: Stage['tools'] = {},
  { memory = new Map(), more = [] }: Later = {},
): Promise<Finding> {
  await using usedServer = await startAt(USED, 0, used);
  const { port } = usedServer;
  await using otherServer = await startAt(ALIVE, port, other);
  expect(otherServer.port).toBe(port);
  await using names = await startDnsServer((_name, type) =>
    type === 'A' ? [USED, ALIVE, ...more] : [],
  );
  const of = failed('token', 'rejected', { address: USED });
  const stage: Stage = {
    dnsPort: names.port,
    port,
    resolvConf: ONE,
    of,
    scheme: 'http',
    tools,
    memory,
  };
  return (await runOnce(stage)).second;
}

test('another GitLab answers at the other address: the address is named, and no token is sent', async () => {
  const other = createGitLabStandIn();
  other.tokens.add(ENTRY.token.reveal());
  expect(await judge(createGitLabStandIn().listener, other.listener)).toMatchObject({
    status: 'warn',
    reason: 'mixed-addresses',
    detail: expect.stringMatching(/rejects the token; .* where another GitLab answers/),
    facts: { trial: 'token', wrong: USED, right: ALIVE, is_answered: true },
  });
  expect(other.requests).toMatchObject([{ path: '/oauth/discovery/keys', hasToken: false }]);
});

const gitlab = createGitLabStandIn().listener;
const page: RequestListener = (_request, response) => void response.end('{"keys":[]}');

test.each<[string, RequestListener, RequestListener]>([
  ['the same GitLab answers at both addresses', gitlab, gitlab],
  ['the other server tells no keys', gitlab, page],
  ['the server in use tells no keys', page, gitlab],
])('%s: the token is at fault', async (_what, used, other) => {
  expect(await judge(used, other)).toMatchObject(UNDOUBTED);
});

test('it is asked once an hour, and what was found is kept where the name has other addresses then', async () => {
  const [used, other] = [createGitLabStandIn(), createGitLabStandIn()];
  const budget = requestBudget(setClock(), 20);
  const memory: FollowUpMemory = new Map();
  const reasons: unknown[] = [];
  for (const more of [[], ['192.0.2.7'], ['192.0.2.8']]) {
    const found = await judge(used.listener, other.listener, { budget }, { memory, more });
    reasons.push(reasonOf(found));
  }
  expect(reasons).toEqual(Array(3).fill('mixed-addresses'));
  expect([used, other].map(({ requests }) => requests.length)).toEqual([1, 1]);
});

test('the budget is spent: nothing is sent, and nothing is proven', async () => {
  const other = createGitLabStandIn();
  const budget = { ...unlimitedBudget, take: () => false, allows: () => false };
  const found = await judge(createGitLabStandIn().listener, other.listener, { budget });
  expect(found).toMatchObject(UNDOUBTED);
  expect(other.requests).toEqual([]);
});
