/** Control groups as engines name them: docs/reference/runner-places.md#control-groups. */
import { expect, test } from 'vitest';

import { containerIdOf } from '../../../src/host/proc/container-id.ts';

const ID = '0123456789abcdef'.repeat(4);
const OTHER = 'fedcba9876543210'.repeat(4);

test.each([
  ['Docker, version 1', `12:pids:/docker/${ID}\n1:name=systemd:/docker/${ID}\n`, 'docker'],
  ['Docker, version 2', `0::/docker/${ID}\n`, 'docker'],
  ['Docker with systemd', `0::/system.slice/docker-${ID}.scope\n`, 'docker'],
  ['podman', `0::/libpod_parent/libpod-${ID}\n`, 'podman'],
  ['podman in a pod', `0::/libpod_parent/0abc/libpod-${ID}\n`, 'podman'],
  ['podman with systemd', `0::/machine.slice/libpod-${ID}.scope/container\n`, 'podman'],
  ['podman in a unit', `0::/system.slice/gitlab-runner.service/libpod-payload-${ID}\n`, 'podman'],
  [
    'podman without root',
    `0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${ID}.scope\n`,
    'podman',
  ],
  [
    'containerd in a cluster, with systemd',
    `0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1f_2e.slice/cri-containerd-${ID}.scope\n`,
    'containerd',
  ],
  [
    'containerd in a cluster',
    `0::/kubepods/besteffort/pod1f2e3d4c-0000-1111-2222-333344445555/${ID}\n`,
    'containerd',
  ],
  ['CRI-O', `0::/kubepods.slice/kubepods-pod1f.slice/crio-${ID}.scope\n`, 'cri-o'],
  ['seen from a namespace of groups', `0::/../docker-${ID}.scope\n`, 'docker'],
])('%s', (_title, text, engine) => {
  expect(containerIdOf(text)).toEqual({ engine, id: ID });
});

test('a group of a parent of its own tells the id and not the engine', () => {
  expect(containerIdOf(`0::/ci/${ID}\n`)).toEqual({ id: ID });
});

test('of a container in a container the inner one counts', () => {
  expect(containerIdOf(`0::/docker/${OTHER}/docker/${ID}\n`)).toEqual({ engine: 'docker', id: ID });
});

test.each([
  ['a service', '0::/system.slice/gitlab-runner.service\n'],
  ['a session', '0::/user.slice/user-1000.slice/session-3.scope\n'],
  ['the watcher of a podman container', `0::/machine.slice/libpod-conmon-${ID}.scope\n`],
  ['the watcher of a CRI-O container', `0::/kubepods.slice/crio-conmon-${ID}.scope\n`],
  ['the root group', '0::/\n'],
  ['nothing', ''],
])('%s is no container', (_title, text) => {
  expect(containerIdOf(text)).toBeUndefined();
});
