/** What Go's own resolver did, lookup by lookup: the same files and servers must lead to the same end. */
import { readFileSync } from 'node:fs';

import { describe, expect, test } from 'vitest';

import { systemClock } from '../../../src/core/clock.ts';
import type { LookupFault } from '../../../src/go/dns/lookup-judgement.ts';
import { lookupFaultOf } from '../../../src/go/dns/lookup-judgement.ts';
import { resolveLikeGo } from '../../../src/go/dns/resolver.ts';
import type { DnsServer, DnsReply, Script } from '../../support/dns-server.ts';
import { rootFolder, startDnsServer } from '../../support/dns-server.ts';
import { patient } from '../../support/until.ts';

type Rule = readonly [name: string, type: string, transport: string, answer: DnsReply];

interface Case {
  readonly about: string;
  readonly resolvConf: string;
  readonly hosts: string;
  readonly nsswitch: string;
  readonly servers: readonly (readonly Rule[])[];
  readonly lookups: readonly {
    readonly name: string;
    readonly addresses: readonly string[];
    readonly error: string;
    readonly asked: readonly (readonly string[])[];
  }[];
}

const FILE = new URL('../../fixtures/go-resolver/lookups.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(FILE, 'utf8')) as { readonly cases: readonly Case[] };

/** Go's message for each fault. Below `.onion` it asks no server and returns neither an address nor an error. */
const ERRORS: Readonly<Record<LookupFault, readonly string[]>> = {
  'not-found': ['no such host', ''],
  'server-failure': [
    'server misbehaving',
    'lame referral',
    'cannot unmarshal DNS message',
    'invalid DNS response',
    'no answer from DNS server',
    'EOF',
  ],
  timeout: ['i/o timeout'],
  prohibited: [],
  'resolver-down': ['connection refused'],
  'source-disabled': ['no such host'],
  'not-configured': ['connection refused'],
  'no-route': ['network is unreachable'],
  'resolver-error': [],
};

function scriptOf(rules: readonly Rule[] = []): Script {
  return (name, type, transport) =>
    rules.find(
      ([forName, forType, over]) =>
        [name, '*'].includes(forName) &&
        [type, '*'].includes(forType) &&
        [transport, '*'].includes(over),
    )?.[3] ?? 'servfail';
}

/** Three servers of one port, as the files name them. */
async function startServers(
  rules: Case['servers'],
  stack: AsyncDisposableStack,
): Promise<readonly DnsServer[]> {
  const one = stack.use(await startDnsServer(scriptOf(rules[0])));
  const two = stack.use(await startDnsServer(scriptOf(rules[1]), '127.0.0.2', one.port));
  const three = stack.use(await startDnsServer(scriptOf(rules[2]), '127.0.0.3', one.port));
  return [one, two, three];
}

function askedOf({ asked }: DnsServer, from: number): readonly string[] {
  return asked
    .slice(from)
    .map((line) => (line.endsWith(' over tcp') ? line.replace(' over tcp', ' tcp') : `${line} udp`))
    .map((line) => line.replace(/ (?<name>\S+) /, (part) => part.toLowerCase()))
    .toSorted();
}

describe('Go and runnerwatch look up the same', () => {
  test.concurrent.each(cases)('$about', async ({ servers, lookups, ...files }) => {
    await using stack = new AsyncDisposableStack();
    const started = await startServers(servers, stack);
    const root = stack.use(
      await rootFolder({
        '/etc/resolv.conf': files.resolvConf,
        '/etc/hosts': files.hosts,
        '/etc/nsswitch.conf': files.nsswitch,
      }),
    );
    for (const { name, addresses, error, asked } of lookups) {
      const before = started.map((server) => server.asked.length);
      const signal = patient();
      const port = started[0]?.port;
      const found = await resolveLikeGo(name, {
        paths: root.paths,
        clock: systemClock,
        signal,
        port,
      });
      expect({
        name,
        addresses: found.addresses.map(({ address }) => address).toSorted(),
        asked: started.map((server, index) => askedOf(server, before[index] ?? 0)),
      }).toEqual({ name, addresses, asked });
      const isFound = found.addresses.length > 0;
      expect(isFound ? [''] : ERRORS[lookupFaultOf(found)]).toContain(error);
    }
  });
});
