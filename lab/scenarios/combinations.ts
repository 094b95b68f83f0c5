/** Combinations: two faults at once, intermittent faults, and what remains afterwards. */
import { setTimeout as delay } from 'node:timers/promises';

import { gitlabError } from '../../src/demo/gitlab-response.ts';
import { daysFromNow } from '../../test/support/certificates.ts';
import { emptyDisk, fillDisk, keepBusy, mountDisk, pressureText, writeUnit } from '../host.ts';
import { incidentsOf, isOneIncident, untilNamed } from '../past.ts';
import { dockerOf } from '../peers/docker.ts';
import { usualScript } from '../peers/names.ts';
import { publicLeaf } from '../peers/pki.ts';
import { OPEN as OPEN_PROXY, startProxy } from '../peers/proxy.ts';
import { everywhere, nginxPage, onRunnerApi } from '../replies.ts';
import { usualEntry } from '../runner-config.ts';
import { until } from '../../test/support/until.ts';
import type { Row } from '../scenario.ts';
import type { World } from '../world.ts';
import { WITH_DOCKER } from './executor.ts';

const OPEN = 'o/o/n/o/o/o/o';

const NO_NAME = 'F/s/n/s/s/s/s';

const NO_PORT = 'o/F/n/s/s/s/s';

const DOCKER_ROOT = '/var/lib/docker';

const TOGGLES = 4;

const LASTS_MILLISECONDS = 60_000;

/** A fifth of eight seconds, as every deadline here is a fifth of the real one. */
const LATE_MILLISECONDS = 1600;

/** Until a walk has gone through to the last link; the next one begins seconds later. */
async function endOfWalk({ daemon }: World): Promise<void> {
  const lastPass = async (): Promise<string | undefined> => {
    const { checks } = await daemon.report();
    return checks.find(({ probe, status }) => probe === 'http' && status === 'pass')?.at;
  };
  const before = await lastPass();
  await until(async () => ![undefined, before].includes(await lastPass()));
}

/** GitLab's port is blocked and opened again and again; at the end it stays blocked. */
async function toggle(world: World): Promise<void> {
  const { network, daemon } = world;
  for (let nth = 0; nth < TOGGLES; nth += 1) {
    // Not in the middle of a handshake, which would be another fault.
    await endOfWalk(world);
    await network.rule('gl', 'input', 'tcp dport 443 drop');
    await until(async () => (await daemon.report()).runners[0]?.chain['connect'] === 'fail');
    await network.run('gl', 'nft flush ruleset');
  }
  await endOfWalk(world);
  await network.rule('gl', 'input', 'tcp dport 443 drop');
}

/** SIGTERM while every lookup hangs. */
async function stopsInTime(world: World): Promise<string | undefined> {
  const { causes } = await world.daemon.report();
  const count = causes.filter(({ id }) => id === 'dns-timeout').length;
  // An error unless it ended by itself, which it does within five seconds.
  await world.daemon.stop();
  await world.startDaemon();
  return count === 1 ? undefined : `dns-timeout is reported ${count} times`;
}

const WITH_PROXY = { HTTPS_PROXY: 'http://proxy.test:3128' };

function forgetTokens({ gitlab, entries }: World): void {
  for (const { token } of entries) gitlab.application.tokens.delete(token);
}

export const combinationRows: readonly Row[] = [
  {
    id: 'K-01',
    title: 'the name does not exist, and builds_dir is full',
    world: {
      probes: { disk: '' },
      before: async (world) => await mountDisk(world, '/builds'),
    },
    inject: async (world) => {
      world.names.answer(() => 'nxdomain');
      await fillDisk(world, '/builds');
    },
    recover: async (world) => await emptyDisk(world, '/builds'),
    expect: {
      cause: 'dns-name-not-found',
      also: ['disk-space-exhausted'],
      severity: 'critical',
      chain: NO_NAME,
    },
    mustNot: ['unknown'],
  },
  {
    id: 'K-02',
    title: 'the certificate has expired, and GitLab has forgotten the token',
    inject: async ({ gitlab, entries }) => {
      for (const { token } of entries) gitlab.application.tokens.delete(token);
      const dates = { from: daysFromNow(-90), until: daysFromNow(-1) };
      await gitlab.serve(publicLeaf(dates));
    },
    expect: { cause: 'tls-certificate-expired', severity: 'critical', chain: 'o/o/n/F/s/s/s' },
    runnerLogs: /has expired or is not yet valid/,
    mustNot: ['token-rejected', 'unknown'],
  },
  {
    id: 'K-03',
    title: 'Docker’s root is full, and so Docker went down',
    world: {
      ...WITH_DOCKER,
      probes: { disk: '', executor: '' },
      before: async (world) => {
        await mountDisk(world, DOCKER_ROOT);
        await WITH_DOCKER.before?.(world);
      },
    },
    inject: async (world) => {
      await fillDisk(world, DOCKER_ROOT);
      await dockerOf(world).stop();
    },
    recover: async (world) => await emptyDisk(world, DOCKER_ROOT),
    expect: { cause: 'disk-docker-root-full', severity: 'warning', chain: OPEN },
    mustNot: ['docker-daemon-down', 'disk-space-exhausted', 'unknown'],
  },
  {
    id: 'K-04',
    title: 'the runner was killed for lack of memory, and its unit failed',
    world: { probes: { cgroup: '' }, before: async (world) => await writeUnit(world) },
    inject: async (world) => {
      await world.runner.stop();
      const failed = { ActiveState: 'failed', SubState: 'failed', Result: 'oom-kill' };
      await writeUnit(world, failed);
    },
    expect: { cause: 'memory-oom-killed', severity: 'critical', chain: OPEN },
    runnerLogs: 'nothing',
    mustNot: ['runner-not-running', 'runner-start-failed', 'runner-crash-loop', 'unknown'],
  },
  {
    id: 'K-05',
    title: 'config.toml is broken, and so the runner ends at every start',
    world: { logFormat: 'text' },
    inject: async (world) => {
      await world.files.edit('/etc/gitlab-runner/config.toml', '"shell"', '"shell');
      for (const _ of [1, 2, 3]) {
        const said =
          'Service run failed error=loading config: toml: line 8: strings cannot contain newlines';
        await world.runner.appendLog('fatal', said);
      }
      await world.runner.stop();
      const looping = { ActiveState: 'activating', SubState: 'auto-restart', NRestarts: 5 };
      await writeUnit(world, { ...looping, Result: 'exit-code' });
    },
    // A start counts when its process has lived for a minute.
    expect: { cause: 'config-syntax-error', severity: 'critical' },
    runnerLogs: 'nothing',
    mustNot: ['runner-crash-loop', 'runner-start-failed', 'runner-not-running', 'unknown'],
  },
  {
    id: 'K-06',
    title: 'a firewall drops packets, and lets them pass again, ever anew',
    world: { probes: { connect: 'interval_seconds = 5' } },
    inject: toggle,
    // Its poll of now began in an open moment, and hangs.
    runnerLogs: 'nothing',
    expect: { cause: 'tcp-connect-timeout', severity: 'critical', chain: NO_PORT },
    needsHistory: true,
    holds: async (world) => await isOneIncident(world, 'tcp-connect-timeout'),
    // No client trusts it yet.
    mustNot: ['unknown'],
  },
  {
    id: 'K-07',
    title: 'GitLab’s web server is down for a minute',
    inject: async (world) => {
      await world.gitlab.stop();
      await untilNamed(world, 'tcp-connection-refused');
      await delay(LASTS_MILLISECONDS);
    },
    expect: { cause: 'tcp-connection-refused', severity: 'critical', chain: NO_PORT },
    mustNot: ['unknown'],
    ends: async (world) => {
      const found = async () => await incidentsOf(world, 'tcp-connection-refused');
      // The file of the incident is closed after the report is healthy.
      await until(async () => (await found())[0]?.recoveredAt !== undefined);
      const [incident, ...others] = await found();
      const seconds = incident?.durationSeconds ?? 0;
      return others.length === 0 && seconds * 1000 >= LASTS_MILLISECONDS
        ? undefined
        : `its incident is ${JSON.stringify(incident)}`;
    },
  },
  {
    id: 'K-08',
    title: 'every answer is late, and five packets of a hundred are lost',
    world: { probes: { http: 'slow_seconds = 1' } },
    inject: async ({ answers, network }) => {
      answers(async () => {
        await delay(LATE_MILLISECONDS);
        return undefined;
      });
      await network.rule('gl', 'input', 'meta l4proto tcp numgen inc mod 20 == 0 drop');
    },
    expect: { cause: 'gitlab-slow', severity: 'notice' },
    isIntermittent: true,
    mustNot: ['network-packet-loss', 'gitlab-not-responding', 'tcp-connect-timeout', 'unknown'],
  },
  {
    id: 'K-09',
    title: 'runnerwatch itself writes to the disk that is full',
    world: {
      probes: { disk: '' },
      daemon: { stateDirectory: 'builds/runnerwatch' },
      before: async (world) => await mountDisk(world, '/builds'),
    },
    inject: async (world) => await fillDisk(world, '/builds'),
    recover: async (world) => await emptyDisk(world, '/builds'),
    expect: { cause: 'disk-space-exhausted', severity: 'warning', chain: OPEN },
    mustNot: ['unknown'],
    ends: async (world) =>
      (await incidentsOf(world, 'disk-space-exhausted')).length === 1
        ? undefined
        : 'it forgot what it could not write',
  },
  {
    id: 'K-10',
    title: 'six entries, a silent name server, and then SIGTERM',
    world: {
      entries: [1, 2, 3, 4, 5, 6].map((nth) => usualEntry({ name: `shell-${nth}` })),
      globals: 'concurrent = 10\ncheck_interval = 3\n',
    },
    inject: ({ network }) =>
      network.rule('gl', 'input', 'meta l4proto { tcp, udp } th dport 53 drop'),
    expect: { cause: 'dns-timeout', severity: 'critical', chain: NO_NAME },
    runnerLogs: /i\/o timeout/,
    holds: stopsInTime,
    mustNot: ['dns-resolver-down', 'unknown'],
  },
  {
    id: 'K-14',
    title: 'the link is down, so names time out and there is no route',
    inject: ({ network }) => network.run('rn', 'ip link set v0 down'),
    expect: { cause: 'network-no-route', severity: 'critical', chain: 'oF/Fs/n/s/s/s/s' },
    mustNot: ['dns-timeout', 'dns-server-failure', 'unknown'],
  },
  {
    id: 'K-16',
    title: 'GitLab answers 502 while all cores of the host are busy',
    world: { probes: { cpu: '' } },
    inject: async (world) => {
      await keepBusy(world, 2);
      await world.files.write('/pressure/cpu', pressureText(45));
      world.answers(everywhere(nginxPage(502, '502 Bad Gateway')));
    },
    expect: { cause: 'gitlab-bad-gateway', severity: 'critical', chain: 'od/od/n/od/F/s/s' },
    // In its first minute it may be a restart.
    runnerLogs: /502 Bad Gateway/,
    mustNot: ['cpu-starved', 'proxy-upstream-failed'],
  },
  {
    id: 'K-10b',
    title: 'two GitLabs, and each has a fault of its own',
    world: {
      entries: [
        usualEntry({ name: 'one-1' }),
        usualEntry({
          name: 'two-2',
          url: 'https://alias.test:8443/',
          token: 'glrt-twoxxxxxxKanaryKanary',
        }),
      ],
    },
    inject: async (world) => {
      world.names.answer((name, ...rest) =>
        name === 'gitlab.test' ? 'servfail' : usualScript(name, ...rest),
      );
      await world.network.rule('gl', 'input', 'tcp dport 8443 drop');
    },
    expect: {
      cause: 'dns-server-failure',
      also: ['tcp-connect-timeout'],
      severity: 'critical',
      runners: {
        'one-1': { cause: 'dns-server-failure', chain: NO_NAME },
        'two-2': { cause: 'tcp-connect-timeout', chain: NO_PORT },
      },
    },
    mustNot: ['unknown', 'dns-timeout'],
  },
  {
    id: 'K-10c',
    title: 'the proxy is dead, and GitLab has forgotten the token',
    world: {
      environment: WITH_PROXY,
      before: async (world) => world.adopt(await startProxy(OPEN_PROXY)),
    },
    inject: async (world) => {
      forgetTokens(world);
      await world.release();
    },
    expect: { cause: 'proxy-unreachable', severity: 'critical', chain: 'o/F/Fs/s/s/s/s' },
    mustNot: ['token-rejected', 'tcp-connection-refused', 'unknown'],
  },
  {
    id: 'K-16b',
    title: 'runnerwatch is restarted in the middle of an outage',
    inject: async (world) => {
      await world.gitlab.stop();
      await until(async () => (await incidentsOf(world, 'tcp-connection-refused')).length === 1);
      await world.daemon.stop();
      await world.startDaemon();
    },
    expect: { cause: 'tcp-connection-refused', severity: 'critical', chain: NO_PORT },
    mustNot: ['unknown'],
    ends: async (world) => {
      const found = await incidentsOf(world, 'tcp-connection-refused');
      return found.length === 1 ? undefined : `there are ${found.length} incidents`;
    },
  },
  {
    id: 'K-16c',
    title: 'GitLab boots: 502, then refusals of the runner, then it is fine',
    inject: async (world) => {
      world.answers(everywhere(nginxPage(502, '502 Bad Gateway')));
      await untilNamed(world, 'gitlab-booting');
      world.answers(onRunnerApi(gitlabError(403, '403 Forbidden')));
    },
    expect: { cause: 'gitlab-booting', severity: 'warning', chain: 'o/o/n/o/o/o/F' },
    mustNot: ['gitlab-bad-gateway', 'token-rejected'],
    needsHistory: true,
  },
];
