/** The cross-check of addresses after a failure, with name servers and a GitLab on loopback. */
import type { FollowUpMemory } from '../../src/checks/follow-up.ts';
import type { Finding } from '../../src/core/finding.ts';
import type { Attempt } from '../../src/core/lookup.ts';
import type { LinkTools, Walk } from '../../src/core/probe.ts';
import type { GitLabStandIn } from '../../src/demo/gitlab-stand-in.ts';
import { startGitLabStandIn } from '../../src/demo/gitlab-stand-in.ts';
import { dnsCrossCheck } from '../../src/follow-ups/dns-cross-check.ts';
import { dns } from '../../src/probes/dns.ts';
import type { MadeCertificate } from './certificates.ts';
import { make, makeRoot } from './certificates.ts';
import type { Script } from './dns-server.ts';
import { rootFolder } from './dns-server.ts';
import { ENDPOINT, runnerTarget } from './probes.ts';
import { followUp } from './run-follow-up.ts';
import { runProbe } from './run-probe.ts';

export const ONE = 'nameserver 127.0.0.1\nsearch .\noptions timeout:1 attempts:1';
export const TWO = `${ONE}\nnameserver 127.0.0.2`;
/** For documentation only; nothing here dials it. */
export const DEAD = '192.0.2.66';
export const ALIVE = '127.0.0.1';

export const only =
  (address: string): Script =>
  (_name, type) =>
    type === 'A' ? [address] : [];

export interface Failed {
  readonly link: string;
  readonly finding: Finding;
}

export interface Stage {
  readonly dnsPort: number;
  readonly port: number;
  readonly resolvConf?: string;
  readonly files?: Readonly<Record<string, string>>;
  /** The failure that puts the name in doubt. */
  readonly of?: Failed;
  readonly scheme?: 'https' | 'http';
  readonly tools?: Partial<LinkTools>;
  /** Of the walk; each run has its own by default. */
  readonly memory?: FollowUpMemory;
}

export interface Outcome {
  /** What dns says, with what is tried when it finds no address. */
  readonly first: Finding;
  /** What takes its place when the address cannot be dialled. */
  readonly second: Finding;
}

export const TIMEOUT: Failed = {
  link: 'connect',
  finding: { status: 'fail', reason: 'timeout', detail: 'no answer' },
};

/** Of the address in use, which nothing here dials. */
export const failed = (link: string, reason: string, facts: Finding['facts'] = {}): Failed => ({
  link,
  finding: { status: 'fail', reason, detail: 'it is refused', facts: { address: DEAD, ...facts } },
});

export const ROOT = makeRoot({ name: 'Public Root' });
export const LEAF = make({ name: 'gitlab.test', dns: ['gitlab.test'], isAuthority: false }, ROOT);
export const STRANGE_LEAF = makeRoot({ name: 'gitlab.test' });
export const ROOTS = { '/etc/ssl/certs/ca-certificates.crt': ROOT.pem };

export const startGitLab = async (leaf: MadeCertificate = LEAF): Promise<GitLabStandIn> =>
  await startGitLabStandIn({ tls: { certificatePem: leaf.pem, privateKeyPem: leaf.keyPem } });

export async function runOnce({
  dnsPort,
  port,
  resolvConf = TWO,
  files,
  of = TIMEOUT,
  scheme = 'https',
  tools: more,
  memory = new Map(),
}: Stage): Promise<Outcome> {
  await using root = await rootFolder({ '/etc/resolv.conf': resolvConf, ...ROOTS, ...files });
  const walk: Walk = { attempts: [DIALLED] };
  const target = { ...ENDPOINT, url: new URL(`${scheme}://gitlab.test:${port}/`) };
  const tools = { paths: root.paths, dnsPort, walk, ...more };
  const { attachments: _, ...finding } = await runProbe(dns, target, { tools });
  const first = await followUp(dnsCrossCheck, { link: 'dns', finding, target, tools });
  const runners = of.link === 'token' ? { runners: [ENTRY] } : {};
  const second = await followUp(dnsCrossCheck, {
    ...of,
    ...runners,
    base: first,
    target,
    tools,
    memory,
  });
  return { first, second };
}

export const DIALLED: Attempt = {
  address: { address: DEAD, family: 4 },
  outcome: 'timeout',
  seconds: 5,
};

export const ENTRY = { ...runnerTarget('AAAAAAAAA', ENDPOINT.id), systemId: 's_0123456789ab' };

/** The first answer has both addresses; the one in use comes first. */
export const BOTH: Script = (_name, type) => (type === 'A' ? [DEAD, ALIVE] : []);
