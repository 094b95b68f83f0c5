/** GitLab accepts the token at the address in use, and the runner was refused: another address of the answer may be of another GitLab. */
import { describe, expect, test } from 'vitest';

import type { Finding } from '../../src/core/finding.ts';
import type { Fault } from '../../src/demo/gitlab-faults.ts';
import {
  ALIVE,
  BOTH,
  DEAD,
  ENTRY,
  LEAF,
  ONE,
  only,
  runOnce,
  startGitLab,
  STRANGE_LEAF,
} from '../support/cross-check.ts';
import type { MadeCertificate } from '../support/certificates.ts';
import type { Script } from '../support/dns-server.ts';
import { startDnsServer } from '../support/dns-server.ts';

interface Other {
  readonly accepts?: boolean;
  readonly fault?: Fault;
  readonly leaf?: MadeCertificate;
  readonly names?: Script;
}

/** The token passes at one address of the name; this is at the other one. */
async function judge({ accepts = false, fault = 'none', leaf = LEAF, names = BOTH }: Other) {
  await using gitlab = await startGitLab(leaf);
  await using server = await startDnsServer(names);
  gitlab.fault = fault;
  if (accepts) gitlab.tokens.add(ENTRY.token.reveal());
  const finding: Finding = { status: 'pass', facts: { address: DEAD } };
  const of = { link: 'token', finding };
  const ports = { dnsPort: server.port, port: gitlab.port };
  const { second } = await runOnce({ ...ports, resolvConf: ONE, of });
  return { second, sent: gitlab.requests.filter(({ hasToken }) => hasToken).length };
}

test('another address rejects the token: it is the wrong one', async () => {
  const { second, sent } = await judge({});
  expect(second).toMatchObject({
    status: 'warn',
    reason: 'mixed-addresses',
    detail: `127.0.0.1 returns ${ALIVE} for gitlab.test, which rejects the token; 127.0.0.1 returns ${DEAD}, where GitLab accepts the token`,
    facts: { trial: 'token', wrong: ALIVE, right: DEAD, is_answered: true },
  });
  expect(sent).toBe(1);
});

describe('nothing is said of an address', () => {
  test.each<[string, Other, number]>([
    ['that accepts the token, too', { accepts: true }, 1],
    ['whose GitLab is down', { fault: 'bad-gateway' }, 1],
    ['whose certificate does not prove the name', { leaf: STRANGE_LEAF }, 0],
    ['that is the only one', { names: only(DEAD) }, 0],
  ])('%s', async (_what, other, requests) => {
    const { second, sent } = await judge(other);
    expect(second.status).toBe('pass');
    expect(sent).toBe(requests);
  });
});
