/** What a container is called while its engine answers, and while it does not. */
import { join } from 'node:path';

import { expect, test } from 'vitest';

import type { Paths } from '../../../src/core/paths.ts';
import { ContainerNames } from '../../../src/host/docker/container-name.ts';
import { setClock } from '../../support/clock.ts';
import { rootFolder } from '../../support/dns-server.ts';
import type { DockerStandIn } from '../../support/docker-stand-in.ts';
import { startDockerServer } from '../../support/docker-stand-in.ts';

const ID = '0123456789abcdef'.repeat(4);
const ASKED = { engine: 'docker', id: ID } as const;
const BY_ID = {
  id: 'docker:0123456789ab',
  engine: 'docker',
  name: '0123456789ab',
  isNamedById: true,
};
const NAMED = {
  id: 'docker:runner-a',
  engine: 'docker',
  name: 'runner-a',
  socket: '/var/run/docker.sock',
  mounted: [{ source: '/srv/a/config.toml', target: '/etc/gitlab-runner/config.toml' }],
};

async function startEngine({ rootfs }: Paths): Promise<DockerStandIn> {
  const Mounts = [
    { Source: '/srv/a/config.toml', Destination: '/etc/gitlab-runner/config.toml' },
    { Source: '/srv/a/\u001b[2J', Destination: '/x' },
    { Type: 'tmpfs', Destination: '/cache' },
  ];
  const inspected = { [ID]: { Name: '/runner-a', Mounts } };
  return await startDockerServer({ inspected }, join(rootfs, '/var/run/docker.sock'));
}

test('an engine is asked until it answers, once a minute', async () => {
  await using root = await rootFolder({ '/var/run/x': '' });
  const clock = setClock();
  const names = new ContainerNames(clock);
  const before = await names.of(ASKED, root.paths);
  await using engine = await startEngine(root.paths);
  clock.advance(59);
  const early = await names.of(ASKED, root.paths);
  const askedEarly = engine.asked.length;
  clock.advance(1);
  const both = [names.of(ASKED, root.paths), names.of(ASKED, root.paths)];
  const after = await Promise.all(both);

  expect([before, early, askedEarly]).toEqual([BY_ID, BY_ID, 0]);
  expect(after[0]).toEqual(NAMED);
  expect(engine.asked).toHaveLength(1);
});

test.each([
  ['its own network', { NetworkMode: 'bridge', Dns: [] }, { servers: [], hasHostNetwork: false }],
  ['that of the host', { NetworkMode: 'host', Dns: null }, { servers: [], hasHostNetwork: true }],
  [
    'name servers of its own',
    { NetworkMode: 'ci', Dns: ['10.0.0.9', 'x'] },
    { servers: ['10.0.0.9'], hasHostNetwork: false },
  ],
  ['the network of another container', { NetworkMode: `container:${ID}` }, undefined],
  ['none', { NetworkMode: 'none' }, undefined],
])('a container with %s', async (_name, HostConfig, resolver) => {
  await using root = await rootFolder({ '/var/run/x': '' });
  const inspected = { [ID]: { Name: '/runner-a', HostConfig } };
  const socket = join(root.paths.rootfs, '/var/run/docker.sock');
  await using engine = await startDockerServer({ inspected }, socket);

  expect((await new ContainerNames(setClock()).of(ASKED, root.paths)).resolver).toEqual(resolver);
  expect(engine.asked).toHaveLength(1);
});

test('a name that the engine gave holds while it does not answer', async () => {
  await using root = await rootFolder({ '/var/run/x': '' });
  const clock = setClock();
  const names = new ContainerNames(clock);
  {
    await using engine = await startEngine(root.paths);
    await names.of(ASKED, root.paths);
    expect(engine.asked).toHaveLength(1);
  }
  clock.advance(3600);

  expect(await names.of(ASKED, root.paths)).toEqual(NAMED);
});

test('a container of no known engine has the beginning of its id for good', async () => {
  await using root = await rootFolder({});
  const names = new ContainerNames(setClock());

  expect(await names.of({ id: ID }, root.paths)).toEqual({
    id: 'container:0123456789ab',
    name: '0123456789ab',
    isNamedById: true,
  });
});

const LABELS = {
  'com.docker.compose.project': 'ci',
  'com.docker.compose.service': 'runner',
  'com.docker.compose.container-number': '1',
};

test.each([
  ['compose', {}, 'ci'],
  ['its image', LABELS, undefined],
])('its labels are those of %s', async (_who, ofImage, expected) => {
  await using root = await rootFolder({ '/var/run/x': '' });
  const image = Buffer.from(JSON.stringify({ Config: { Labels: ofImage } }));
  const container = { Name: '/runner-a', Image: 'sha256:1a', Config: { Labels: LABELS } };
  await using engine = await startDockerServer(
    { inspected: { [ID]: container }, image },
    join(root.paths.rootfs, '/var/run/docker.sock'),
  );
  const { manager } = await new ContainerNames(setClock()).of(ASKED, root.paths);

  expect(manager?.kind === 'compose' ? manager.project : undefined).toBe(expected);
  expect(engine.asked).toHaveLength(2);
});
