/** The host: healthy but unusual. No row may alert. */
import { chmod } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import type { Report } from '../../src/report/document.ts';
import { fromUnit, writeJournal } from '../../test/support/journal.ts';
import { fillDisk, keepBusy, mountDisk, showInProc, writeMountInfo, writeUnit } from '../host.ts';
import { hasLived } from '../observe.ts';
import { dockerOf } from '../peers/docker.ts';
import { usualEntry } from '../runner-config.ts';
import type { Row } from '../scenario.ts';
import type { World } from '../world.ts';
import { dockerEntry } from './executor.ts';
import { memoryText } from './resources-shown.ts';

const CONFIG = '/etc/gitlab-runner/config.toml';
const SRV = '/srv/gitlab-runner/config';
const PODMAN = '/run/user/1000/podman/podman.sock';
const WATCHER_UID = 4567;
const ENTRIES = 400;
const PADDING = `# ${'x'.repeat(120)}\n`.repeat(99);
const BURST_MILLISECONDS = 6000;
/** A fifth of ten seconds, as every deadline here is a fifth of the real one. */
const GAP_MILLISECONDS = 2000;
const DAY = 86_400_000;
const TARGET = 'https://gitlab.test/api/v4/jobs/request';

/** A full image of a snap, read-only since it was made. */
async function mountImage(world: World, place: string): Promise<void> {
  const { network, files } = world;
  const folder = `${files.path}${place}`;
  const image = `${files.path}.squashfs`;
  const make = `mksquashfs ${files.path}/usr ${image} -quiet -no-progress >&2`;
  const mount = `mkdir -p ${folder} && ${make} && mount -o loop ${image} ${folder}`;
  await network.run('rn', `mountpoint -q ${folder} || { ${mount}; }`);
  await writeMountInfo(world);
}

/** Refusals and x509 of yesterday, and nothing since. */
async function oldJournal(world: World): Promise<void> {
  const yesterday = Date.now() - DAY;
  const runner = world.entries[0]?.token.slice(5, 14) ?? '';
  const failed = `WARNING: Checking for jobs... failed  runner=${runner} status=Post "${TARGET}": tls: failed to verify certificate: x509: certificate signed by unknown authority`;
  const refused = `ERROR: Checking for jobs... forbidden  runner=${runner} status=POST ${TARGET}: 403 Forbidden`;
  const lines = [refused, refused, refused, failed, failed, failed];
  await writeUnit(world);
  await writeJournal(
    world.files.path,
    lines.map((text, nth) => fromUnit(yesterday + nth * 3000, text)),
  );
}

/** Fault messages, in the output of jobs and in the result of a script. */
async function faultMessages({ runner }: World): Promise<void> {
  const args = [
    'x509: certificate signed by unknown authority',
    'write /builds/x: no space left on device',
    'curl: (22) The requested URL returned error: 403 Forbidden',
    'dial tcp: lookup gitlab.test: no such host',
  ];
  for (const text of args) {
    await runner.appendLog('info', text, { job: 12 });
    await runner.appendLog('warning', 'Job failed: exit code 1', { job: 12, error: text });
  }
}

const EXIT_UNSURE = 3;

/** `check` ends with 3, and the fix is about runnerwatch alone: root first, then its service. */
async function saysOnlySudo(world: World): Promise<void> {
  const { exitCode, stdout } = await world.check();
  const { causes } = JSON.parse(stdout) as Report;
  const commands = causes.flatMap(({ fix }) => fix.map(({ text, command = text }) => command));
  const [first, ...others] = commands;
  const isOwn =
    first === 'sudo runnerwatch check' && others.every((one) => one.includes('runnerwatch'));
  const hasOther = /setfacl|chmod|usermod/.test(stdout);
  if (exitCode === EXIT_UNSURE && isOwn && !hasOther) return;
  throw new Error(`check ended with ${exitCode} and said ${stdout}`);
}

export const healthyHostRows: readonly Row[] = [
  {
    id: 'Z-13',
    title: `${ENTRIES} entries of one GitLab in a config.toml of 5 MB`,
    world: {
      entries: Array.from({ length: ENTRIES }, (_, nth) =>
        usualEntry({ name: `shell-${nth}`, more: PADDING }),
      ),
      globals: 'concurrent = 500\ncheck_interval = 3\n',
      pollMilliseconds: 50_000,
      hasDefaultPace: true,
    },
    // Four hundred handshakes at once are many for the lab's own peers.
    runnerIsTroubled: true,
    allowed: [],
  },
  {
    id: 'Z-13b',
    title: `${ENTRIES} entries of one GitLab, and no long comments`,
    world: {
      entries: Array.from({ length: ENTRIES }, (_, nth) => usualEntry({ name: `shell-${nth}` })),
      globals: 'concurrent = 500\ncheck_interval = 3\n',
      pollMilliseconds: 50_000,
      hasDefaultPace: true,
    },
    // Four hundred handshakes at once are many for the lab's own peers.
    runnerIsTroubled: true,
    allowed: [],
  },
  {
    id: 'Z-14',
    title: 'a squashfs image is mounted: 100 % full, no inodes free',
    world: {
      probes: { disk: '' },
      before: async (world) => await mountImage(world, '/snap/core/1'),
    },
    allowed: [],
  },
  {
    id: 'Z-15',
    title: 'a data disk that the runner has nothing to do with is full',
    world: {
      probes: { disk: '' },
      before: async (world) => {
        await mountDisk(world, '/mnt/data');
        await fillDisk(world, '/mnt/data');
      },
    },
    allowed: ['disk-space-exhausted'],
  },
  {
    id: 'Z-16',
    title: 'all cores are busy for a while, then it is calm again',
    world: { probes: { cpu: '' } },
    act: async (world) => {
      await keepBusy(world, 6);
      await delay(BURST_MILLISECONDS);
      await world.release();
    },
    allowed: [],
  },
  {
    id: 'Z-17',
    title: 'swap is full, and nothing is swapped in or out',
    world: {
      probes: { memory: '' },
      before: async (world) => {
        await showInProc(world, 'meminfo', memoryText({ free: 30, available: 60, swapFree: 0 }));
        await showInProc(world, 'vmstat', 'pswpin 90000\npswpout 400000\noom_kill 0\n');
      },
    },
    allowed: [],
  },
  {
    id: 'Z-18',
    title: 'one percent of the memory is free, and sixty can be had',
    world: {
      probes: { memory: '' },
      before: async (world) =>
        await showInProc(world, 'meminfo', memoryText({ free: 1, available: 60 })),
    },
    allowed: [],
  },
  {
    id: 'Z-19',
    title: 'the runner is paused in GitLab, and no API token is given',
    // A paused runner is verified as any other, and gets no job.
    allowed: [],
  },
  {
    id: 'Z-25',
    title: 'the shell executor, and a Docker that is down',
    world: { probes: { executor: '' }, before: async (world) => await dockerOf(world).crash() },
    allowed: [],
  },
  {
    id: 'Z-26',
    title: 'host is the socket of Podman, and there is no docker.sock',
    world: {
      entries: [
        dockerEntry({
          more: `  [runners.docker]\n    image = "alpine:3"\n    host = "unix://${PODMAN}"`,
        }),
      ],
      probes: { executor: '' },
      before: async (world) => await dockerOf(world, PODMAN).setAnswers(),
    },
    allowed: [],
  },
  {
    id: 'Z-29',
    title: 'the journal of yesterday holds refusals and x509, and today all is fine',
    world: { log: 'journal', before: oldJournal },
    allowed: [],
  },
  {
    id: 'Z-30',
    title: 'the log says that a certificate names no parent',
    act: async ({ runner }) =>
      await runner.appendLog('info', "Certificate doesn't provide parent URL: exiting the loop", {
        Issuer: 'Lab Public Root',
        IssuingCertificateURL: '[]',
        Serial: '1',
      }),
    allowed: [],
  },
  {
    id: 'Z-32',
    title: 'systemctl restart gitlab-runner, and a while without a process',
    world: { before: async (world) => await writeUnit(world) },
    act: async (world) => {
      await writeUnit(world, { ActiveState: 'deactivating', SubState: 'stop-sigterm' });
      await world.runner.stop();
      await delay(GAP_MILLISECONDS);
      await world.runner.restart();
      await writeUnit(world);
    },
    allowed: ['runner-shutting-down'],
  },
  {
    id: 'Z-33',
    title: 'the runner lives in a container, its config below /srv, and there is no unit',
    world: {
      volume: SRV,
      daemon: { configPath: `${SRV}/config.toml` },
      files: () => ({ [`${SRV}/.runner_system_id`]: 's_0123456789ab' }),
      before: async ({ files, runner }) => {
        await files.write(`${SRV}/config.toml`, await files.read(CONFIG));
        await runner.restart();
      },
    },
    allowed: [],
  },
  {
    id: 'Z-34',
    title: 'runnerwatch is not root, and may read neither config.toml nor docker.sock',
    isUnsure: true,
    act: saysOnlySudo,
    world: {
      entries: [dockerEntry()],
      daemon: { uid: WATCHER_UID },
      before: async (world) => {
        const { files } = world;
        await dockerOf(world).setAnswers();
        await dockerOf(world).belongsTo(0, 0o660);
        await chmod(`${files.path}${CONFIG}`, 0o600);
        await chmod(dirname(`${files.path}${CONFIG}`), 0o700);
        for (const folder of [files.path, `${files.path}/state`]) await chmod(folder, 0o777);
      },
    },
    allowed: ['monitor-blind'],
  },
  {
    id: 'Z-36b',
    title: 'one poll finds no file free, and the next one gets a job',
    world: { logFormat: 'text' },
    act: async ({ daemon, runner, entries }) => {
      await hasLived(daemon);
      const own = { runner: entries[0]?.token.slice(5, 14) ?? '' };
      const status = `execute JSON request: execute request: couldn't execute POST against ${TARGET}: Post "${TARGET}": dial tcp: lookup gitlab.test: socket: too many open files`;
      await runner.appendLog('warning', 'Checking for jobs... failed', { ...own, status });
      await runner.appendLog('info', 'Checking for jobs... received', { ...own, job: 12 });
    },
    runnerIsTroubled: true,
    allowed: [],
  },
  {
    id: 'Z-36',
    title: 'jobs print the texts of faults',
    act: faultMessages,
    allowed: [],
  },
];
