/** The name servers that a container would get if it were started now, and does not have. */
import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { systemClock } from '../../../src/core/clock.ts';
import type { Resolution } from '../../../src/core/lookup.ts';
import type { PlaceResolver } from '../../../src/core/place.ts';
import { serversAtStart } from '../../../src/go/dns/servers-at-start.ts';
import { PACKAGED_PLACE } from '../../../src/host/place/packaged.ts';
import { rootFolder, startDnsServer } from '../../support/dns-server.ts';
import { runnerProcess } from '../../support/runner-process.ts';
import { patient } from '../../support/until.ts';

const OLD = '192.0.2.1';
const NEW = '192.0.2.2';
const BEHIND_STUB = '/run/systemd/resolve/resolv.conf';
const BRIDGED: PlaceResolver = {
  engine: 'docker',
  servers: [],
  hasHostNetwork: false,
  where: 'where the container is made (--dns, --dns-search)',
};
const OF_HOST: PlaceResolver = { ...BRIDGED, hasHostNetwork: true };
const ENGINES = '127.0.0.11';

const conf = (...servers: readonly string[]): string =>
  servers.map((server) => `nameserver ${server}\n`).join('');

interface Stage {
  readonly resolver?: PlaceResolver;
  /** That of the container. */
  readonly own?: string;
  readonly host?: Readonly<Record<string, string>>;
  readonly dnsPort?: number;
  /** How long before now the file of the host was changed. */
  readonly hostAgeSeconds?: number;
}

const START_SECONDS = 60;

async function atStart({ resolver, own = conf(OLD), host = {}, dnsPort, hostAgeSeconds }: Stage) {
  const inside = await rootFolder({ '/etc/resolv.conf': own });
  const outside = await rootFolder({ '/etc/resolv.conf': conf(NEW), ...host });
  const at = Date.now() / 1000 - (hostAgeSeconds ?? 0);
  await utimes(join(outside.paths.rootfs, 'etc/resolv.conf'), at, at);
  const servers = own.split('\n').flatMap((line) => /^nameserver (.*)$/.exec(line)?.[1] ?? []);
  const found: Resolution = {
    name: 'gitlab.test',
    addresses: [],
    source: 'none',
    servers: servers.length === 0 ? ['127.0.0.1', '::1'] : servers,
    isFallback: servers.length === 0,
    names: ['gitlab.test'],
    queries: [],
  };
  const result = await serversAtStart(found, {
    place: {
      ...PACKAGED_PLACE,
      paths: inside.paths,
      hostPaths: outside.paths,
      ...(resolver === undefined ? {} : { resolver }),
    },
    paths: inside.paths,
    process: runnerProcess({ startedAt: Date.now() - START_SECONDS * 1000 }),
    clock: systemClock,
    signal: patient(),
    ...(dnsPort === undefined ? {} : { dnsPort }),
  });
  const asked = await result?.ask('gitlab.test');
  await inside[Symbol.asyncDispose]();
  await outside[Symbol.asyncDispose]();
  return { result, asked };
}

test('on the host itself there is no copy', async () => {
  expect((await atStart({})).result).toBeUndefined();
});

test('the host has another one by now, and answers', async () => {
  await using server = await startDnsServer((_name, type) => (type === 'A' ? ['10.0.0.5'] : []));
  const { result, asked } = await atStart({
    resolver: OF_HOST,
    host: { '/etc/resolv.conf': conf('127.0.0.1') },
    dnsPort: server.port,
  });
  expect(result).toMatchObject({
    servers: ['127.0.0.1'],
    isFirstNew: true,
    file: '/etc/resolv.conf',
  });
  expect(result).not.toHaveProperty('setBy');
  expect(asked).toMatchObject([{ outcome: 'answer', addresses: ['10.0.0.5'] }, {}]);
});

const read = async (stage: Stage) => {
  const { result } = await atStart({ dnsPort: 9, ...stage });
  return result && { servers: result.servers, isFirstNew: result.isFirstNew, file: result.file };
};

test.each<[string, Stage]>([
  ['the host has the same', { resolver: BRIDGED, host: { '/etc/resolv.conf': conf(OLD) } }],
  [
    'the host has only loopback, which a bridge cannot reach',
    { resolver: BRIDGED, host: { '/etc/resolv.conf': conf('127.0.0.1') } },
  ],
  ['the host has none', { resolver: BRIDGED, host: { '/etc/resolv.conf': '' } }],
  [
    'the server is the host itself, as an engine answers for a network of its own',
    { resolver: BRIDGED, own: conf('127.0.0.1') },
  ],
  [
    'an older Docker answers, and the host has not changed since the start',
    { resolver: BRIDGED, own: conf(ENGINES), hostAgeSeconds: START_SECONDS * 2 },
  ],
  [
    'Docker answers, and asks the one of the host',
    { resolver: BRIDGED, own: `${conf(ENGINES)}# ExtServers: [host(${NEW})]\n` },
  ],
])('nothing new: %s', async (_name, stage) => {
  expect(await read(stage)).toBeUndefined();
});

test.each<[string, Stage, object]>([
  ['the host has another one first', { resolver: BRIDGED }, {}],
  ['the container has none', { resolver: BRIDGED, own: '' }, {}],
  [
    'the host has one more',
    { resolver: BRIDGED, host: { '/etc/resolv.conf': conf(OLD, NEW) } },
    { isFirstNew: false },
  ],
  [
    'the host has the stub of systemd-resolved',
    {
      resolver: BRIDGED,
      host: { '/etc/resolv.conf': conf('127.0.0.53'), [BEHIND_STUB]: conf(NEW) },
    },
    { file: BEHIND_STUB },
  ],
  [
    'the host has the stub, and the network is that of the host',
    {
      resolver: OF_HOST,
      host: { '/etc/resolv.conf': conf('127.0.0.53'), [BEHIND_STUB]: conf(NEW) },
    },
    { servers: ['127.0.0.53'] },
  ],
  [
    'an older Docker answers, and the host has changed since the start',
    { resolver: BRIDGED, own: conf(ENGINES) },
    {},
  ],
  [
    'Docker answers, and asks one that the host has no longer',
    { resolver: BRIDGED, own: `${conf(ENGINES)}# ExtServers: [${OLD}]\n` },
    {},
  ],
])('new: %s', async (_name, stage, other) => {
  expect(await read(stage)).toEqual({
    servers: [NEW],
    isFirstNew: true,
    file: '/etc/resolv.conf',
    ...other,
  });
});

test.each<[string, Stage, string]>([
  ['--dns', { resolver: { ...BRIDGED, servers: [OLD] } }, BRIDGED.where],
  [
    'the settings of Docker',
    { resolver: BRIDGED, host: { '/etc/docker/daemon.json': `{ "dns": ["${OLD}"] }` } },
    'in /etc/docker/daemon.json, for all containers',
  ],
  [
    'the settings of podman',
    {
      resolver: { ...BRIDGED, engine: 'podman' },
      host: { '/etc/containers/containers.conf': `[containers]\ndns_servers = ["${OLD}"]\n` },
    },
    'in /etc/containers/containers.conf, for all containers',
  ],
  [
    'an option of Docker',
    { resolver: BRIDGED, own: `${conf(OLD)}# Overrides: [nameservers]\n` },
    'in the options of Docker',
  ],
  [
    'another file of the host',
    { resolver: { ...BRIDGED, mountedFrom: '/srv/resolv.conf' } },
    'in /srv/resolv.conf',
  ],
])('a restart is not enough: they are set by %s', async (_name, stage, setBy) => {
  const { result } = await atStart({ dnsPort: 9, ...stage });
  expect(result).toMatchObject({ servers: [NEW], setBy });
});

test.each<[string, Stage]>([
  [
    'the settings of Docker name none',
    { resolver: BRIDGED, host: { '/etc/docker/daemon.json': '{ "dns": [] }' } },
  ],
  [
    'that of the host is mounted, and was replaced there',
    { resolver: { ...BRIDGED, mountedFrom: '/etc/resolv.conf' } },
  ],
])('a restart is enough: %s', async (_name, stage) => {
  const { result } = await atStart({ dnsPort: 9, ...stage });
  expect(result).toMatchObject({ servers: [NEW] });
  expect(result).not.toHaveProperty('setBy');
});
