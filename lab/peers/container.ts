/** A job's container, as far as its network goes: a namespace behind the runner's host, with its own resolv.conf. */
import { writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

import { GITLAB_ADDRESS } from '../network.ts';
import type { World } from '../world.ts';
import { dockerOf } from './docker.ts';

const ID = 'abcdef0123456789';
const INSIDE = '172.31.0.2';
const OUTSIDE = '172.31.0.1';
const PAUSE_MILLISECONDS = 20;

function resolvConfOf({ files }: World): string {
  return `${files.path}-container-resolv.conf`;
}

/** What the container has as its name server from now on. */
export async function setContainerNameServer(world: World, server: string): Promise<void> {
  await writeFile(resolvConfOf(world), `nameserver ${server}\noptions timeout:1 attempts:2\n`);
}

/** Runs until the world is restored; the stand-in for Docker lists it. */
export async function startContainer(world: World): Promise<void> {
  const { network, adopt } = world;
  await setContainerNameServer(world, GITLAB_ADDRESS);
  const inside = `mount --bind ${resolvConfOf(world)} /etc/resolv.conf && exec sleep infinity`;
  const said = await network.run(
    'rn',
    `unshare --net --mount sh -c '${inside}' >&- 2>&- & echo $!`,
  );
  const pid = Number(said);
  adopt({
    [Symbol.asyncDispose]: async () => {
      await network.run('rn', `kill -9 ${pid}`);
      // Its end of the wire goes with its namespace, a moment later.
      while ((await network.run('rn', 'ip -o link show c0 2>&- || true')) !== '')
        await delay(PAUSE_MILLISECONDS);
    },
  });
  await untilInside(world, pid);
  const bridge = [
    `ip link add c0 type veth peer name eth0 netns ${pid}`,
    `ip addr add ${OUTSIDE}/24 dev c0 && ip link set c0 up`,
    `nsenter --target ${pid} --net sh -c 'ip link set lo up; ip addr add ${INSIDE}/24 dev eth0; ip link set eth0 up; ip route add default via ${OUTSIDE}'`,
    'sysctl -q -w net.ipv4.ip_forward=1',
    "nft 'add table ip nat; add chain ip nat out { type nat hook postrouting priority 100; }; add rule ip nat out oifname v0 masquerade'",
  ];
  await network.run('rn', bridge.join(' && '));
  const labels = {
    'com.gitlab.gitlab-runner.managed': 'true',
    'com.gitlab.gitlab-runner.job.id': '12',
  };
  const created = Math.round(Date.now() / 1000);
  await dockerOf(world).setAnswers({
    containers: [{ Id: ID, Created: created, Labels: labels }],
    processes: { [ID]: pid },
  });
}

/** The shell in it has come to its end. */
async function untilInside({ network }: World, pid: number): Promise<void> {
  while (!(await network.run('rn', `cat /proc/${pid}/comm`)).startsWith('sleep'))
    await delay(PAUSE_MILLISECONDS);
}
