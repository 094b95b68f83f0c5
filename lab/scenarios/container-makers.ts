/** Containers that a program makes: the printed fix goes through that program, which finds what it needs. */
import { printedFix } from '../printed-fix.ts';
import { usualEntry } from '../runner-config.ts';
import type { FaultRow, Row } from '../scenario.ts';
import type { World } from '../world.ts';

const MUST_NOT = ['runner-not-installed', 'runner-not-running', 'container-removed', 'unknown'];
const CONFIG = '/srv/gitlab-runner/config/config.toml';
const SOCKET = '/var/run/docker.sock';
/** Another user has its config.toml elsewhere by default. */
const AS_USER = `--user 999:999 -e CONFIG_FILE=/etc/gitlab-runner/config.toml -v ${SOCKET}:${SOCKET}`;
const COMPOSE_LABELS: Readonly<Record<string, string>> = {
  'com.docker.compose.project': 'ci',
  'com.docker.compose.service': 'runner',
  'com.docker.compose.container-number': '1',
  'com.docker.compose.project.working_dir': '/srv/ci',
  'com.docker.compose.project.config_files': '/srv/ci/compose.yml',
};
const WANTED = 'compose -p ci --project-directory /srv/ci -f /srv/ci/compose.yml up -d runner';
/** A plugin of the client of Docker, in place of the real one. */
const COMPOSE = `#!/bin/sh
case "$1" in
  docker-cli-plugin-metadata) echo '{"SchemaVersion":"0.1.0","Vendor":"lab","Version":"v2.0.0"}' ;;
  *) test "$*" = "${WANTED}" && exec docker start gitlab-runner ;;
esac
`;

function labelled(labels: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(labels).map(([name, value]) => `--label ${name}=${value}`);
}

async function stops({ container }: World): Promise<void> {
  await container?.engine.run('stop -t 5 gitlab-runner');
}

const STOPPED: Pick<FaultRow, 'inject' | 'expect' | 'mustNot' | 'runnerLogs' | 'needsHistory'> = {
  inject: stops,
  expect: { cause: 'container-stopped', severity: 'critical' },
  mustNot: MUST_NOT,
  runnerLogs: 'nothing',
  needsHistory: true,
};

export const containerMakerRows: readonly Row[] = [
  {
    id: 'W-601',
    title: 'a container that compose has made is stopped',
    world: {
      container: { engine: 'docker', options: labelled(COMPOSE_LABELS) },
      files: () => ({ '/srv/ci/compose.yml': 'services: {}\n' }),
      before: async ({ files }) =>
        await files.write('/root/.docker/cli-plugins/docker-compose', COMPOSE, 0o755),
    },
    ...STOPPED,
    fix: printedFix(/ up -d runner/),
  },
  {
    id: 'W-602',
    title: 'a container that a unit makes by podman is stopped',
    world: {
      container: { engine: 'podman', options: labelled({ PODMAN_SYSTEMD_UNIT: 'ci.service' }) },
      files: () => ({
        '/etc/systemd/system/ci.service': '[Service]\nExecStart=/usr/bin/podman run --rm ci\n',
      }),
    },
    ...STOPPED,
    fix: printedFix(/systemctl enable --now ci/),
  },
  ...(['docker', 'podman'] as const).map((engine, index): FaultRow => ({
    id: `W-61${index}`,
    title: `config.toml is mounted by itself, and an editor replaces it on the host: ${engine}`,
    world: { container: { engine, mountsFiles: true } },
    inject: async ({ network }) =>
      await network.run('rn', `cp ${CONFIG} ${CONFIG}.new && mv ${CONFIG}.new ${CONFIG}`),
    expect: {
      cause: 'config-replaced-on-host',
      severity: 'warning',
      chain: 'o/o/n/o/o/o/o',
      says: new RegExp(`-v /srv/gitlab-runner/config:/etc/gitlab-runner in place of`),
    },
    mustNot: MUST_NOT,
    runnerLogs: 'nothing',
    fix: printedFix(/ restart gitlab-runner/),
  })),
  {
    id: 'W-620',
    title: 'the socket of Docker in the container is of a group that the runner is not in',
    world: {
      entries: [
        usualEntry({ executor: 'docker', more: '  [runners.docker]\n    image = "alpine:3"' }),
      ],
      container: {
        engine: 'docker',
        options: [AS_USER],
      },
      before: async ({ network }) => await network.run('rn', `chmod 666 ${SOCKET}`),
    },
    inject: async ({ network }) =>
      await network.run('rn', `chgrp 4711 ${SOCKET} && chmod 660 ${SOCKET}`),
    recover: async ({ container }) => await container?.runner.recreate(AS_USER, '--group-add 4711'),
    expect: {
      cause: 'docker-socket-permission',
      severity: 'warning',
      chain: 'o/o/n/o/o/o/o',
      says: /make it with --group-add 4711/,
    },
    mustNot: [...MUST_NOT, 'docker-socket-not-mounted', 'docker-daemon-down'],
    runnerLogs: 'nothing',
  },
  {
    id: 'W-603',
    title: 'a container with the labels of compose, and a file that is elsewhere, is stopped',
    world: { container: { engine: 'docker', options: labelled(COMPOSE_LABELS) } },
    ...STOPPED,
    expect: { ...STOPPED.expect, says: /docker compose -p ci start runner/ },
  },
];
