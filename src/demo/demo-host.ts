/**
 * The host of the demo: a folder that is used as the host's root, a GitLab, a runner process. Everything is in that
 * folder and is removed with it.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Authority, IssuedCertificate } from './certificates.ts';
import { createAuthority } from './certificates.ts';
import type { DockerStandIn } from './docker-stand-in.ts';
import { startDockerStandIn } from './docker-stand-in.ts';
import type { GitLabStandIn } from './gitlab-stand-in.ts';
import { startGitLabStandIn } from './gitlab-stand-in.ts';
import type { StandInEntry } from './runner-options.ts';
import { narrowProc } from './narrow-proc.ts';
import type { RunnerStandIn } from './runner-process.ts';
import { startRunnerStandIn } from './runner-process.ts';

export const DEMO_HOST = 'gitlab.demo.test';
/** With the number of this process: another demo on this host has a runner of its own. */
const DEMO_FOLDER = `/etc/gitlab-runner-demo-${process.pid}`;
/** As the runner of the demo sees it; not the path of a real runner that may live on this host. */
export const DEMO_CONFIG = `${DEMO_FOLDER}/config.toml`;
const CA_FILE = `${DEMO_FOLDER}/demo-ca.pem`;
const FOLDERS = [
  DEMO_FOLDER,
  'etc/init.d',
  'etc/ssl/certs',
  'usr/bin',
  'tmp',
  'builds',
  'cache',
  'home/gitlab-runner',
  'var/lib/docker',
  'var/run',
];
/** A host without systemd, whether or not this one has it: a script starts the runner and writes its pid file. */
const INIT_SCRIPT = 'etc/init.d/gitlab-runner';
const PROCESS_FILE = 'var/run/gitlab-runner.pid';
const POLL_MILLISECONDS = 2000;

const ENTRIES: readonly (StandInEntry & { readonly executor: string })[] = [
  entry('docker-1', 'docker', 'Da1kerDemo'),
  entry('docker-2', 'docker', 'Db2kerDemo'),
  entry('shell-1', 'shell', 'Sh1llDemoo'),
];

function entry(name: string, executor: string, word: string) {
  const secret = `${word}0123456789`;
  return { name, executor, token: `glrt-${secret}`, shortToken: secret.slice(0, 9) };
}

export interface DemoHost extends AsyncDisposable {
  /** `--path.rootfs` of the daemon. */
  readonly rootfs: string;
  /** `--path.procfs` of the daemon: this host's, but of all processes only the runner of the stage. */
  readonly procfs: string;
  readonly gitlab: GitLabStandIn;
  readonly docker: DockerStandIn;
  readonly entries: readonly StandInEntry[];
  readonly authority: Authority;
  /** The certificate of a healthy GitLab. */
  readonly goodCertificate: IssuedCertificate;
  readonly runner: RunnerStandIn;
  /** Starts the runner again after it was ended. */
  readonly restartRunner: () => Promise<void>;
  readonly writeConfig: (text: string) => Promise<void>;
  /** The config.toml of a healthy runner. */
  readonly goodConfig: string;
  /** Adds GitLab's name to the hosts file, or removes it. */
  readonly setName: (isKnown: boolean) => Promise<void>;
}

export async function buildDemoHost(): Promise<DemoHost> {
  const rootfs = await mkdtemp(join(tmpdir(), 'runnerwatch-demo-'));
  const { authority, goodCertificate, gitlab } = await startGitLab();
  const goodConfig = configText(gitlab.port);
  const docker = await createHost(rootfs, authority, goodConfig);
  const start = async (): Promise<RunnerStandIn> =>
    await startAsService(rootfs, gitlab.port, authority.certificatePem);
  let runner = await start();
  const procfs = await narrowProc(join(rootfs, 'proc'));
  await procfs.show(runner.pid);
  return {
    rootfs,
    procfs: procfs.path,
    gitlab,
    docker,
    entries: ENTRIES,
    authority,
    goodCertificate,
    goodConfig,
    get runner() {
      return runner;
    },
    restartRunner: async () => {
      await runner[Symbol.asyncDispose]();
      runner = await start();
      await procfs.show(runner.pid);
    },
    writeConfig: async (text) => await writeFile(join(rootfs, DEMO_CONFIG), text, { mode: 0o600 }),
    setName: async (isKnown) => await writeFile(join(rootfs, 'etc/hosts'), hostsText(isKnown)),
    [Symbol.asyncDispose]: async () => {
      await runner[Symbol.asyncDispose]();
      await gitlab[Symbol.asyncDispose]();
      await docker[Symbol.asyncDispose]();
      await rm(rootfs, { recursive: true, force: true });
    },
  };
}

/** The runner, with the id of its process where its script would write it. */
async function startAsService(rootfs: string, port: number, caPem: string): Promise<RunnerStandIn> {
  const started = await startRunnerStandIn(
    { port, host: DEMO_HOST, caPem, entries: ENTRIES },
    { configPath: DEMO_CONFIG, logFile: join(rootfs, 'gitlab-runner.log') },
  );
  await writeFile(join(rootfs, PROCESS_FILE), `${started.pid}\n`);
  return started;
}

/** The files of the host, and its Docker. */
async function createHost(
  rootfs: string,
  authority: Authority,
  config: string,
): Promise<DockerStandIn> {
  await writeTree(rootfs, authority, config);
  return await startDockerStandIn(join(rootfs, 'var/run/docker.sock'));
}

/** A GitLab that knows the tokens of our entries. */
async function startGitLab() {
  const authority = createAuthority({
    commonName: 'Demo Root CA',
    organisation: 'runnerwatch demo',
  });
  const goodCertificate = authority.issue({ commonName: DEMO_HOST, dns: [DEMO_HOST] });
  const gitlab = await startGitLabStandIn({
    tls: goodCertificate,
    pollMilliseconds: POLL_MILLISECONDS,
  });
  for (const { token } of ENTRIES) gitlab.tokens.add(token);
  return { authority, goodCertificate, gitlab };
}

async function writeTree(rootfs: string, authority: Authority, config: string): Promise<void> {
  for (const folder of FOLDERS) await mkdir(join(rootfs, folder), { recursive: true });
  const files: Readonly<Record<string, string>> = {
    'etc/hosts': hostsText(true),
    // Nothing listens there: without the line in the hosts file the name cannot be resolved.
    'etc/resolv.conf': 'nameserver 127.0.0.9\n',
    'etc/nsswitch.conf': 'hosts: files dns\n',
    'etc/ssl/certs/ca-certificates.crt': '',
    'usr/bin/gitlab-runner': '',
    [INIT_SCRIPT]: '#!/bin/sh\n',
    [CA_FILE]: authority.certificatePem,
    [DEMO_CONFIG]: config,
    [`${DEMO_FOLDER}/.runner_system_id`]: 's_0123456789ab',
  };
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(rootfs, name), text, { mode: 0o600 });
  }
}

function hostsText(isKnown: boolean): string {
  return `127.0.0.1 localhost\n${isKnown ? `127.0.0.1 ${DEMO_HOST}\n` : ''}`;
}

function configText(port: number): string {
  const entries = ENTRIES.map(
    ({ name, token, executor }) => `
[[runners]]
  name = "${name}"
  url = "https://${DEMO_HOST}:${port}/"
  token = "${token}"
  tls-ca-file = "${CA_FILE}"
  executor = "${executor}"
  builds_dir = "/builds"
  cache_dir = "/cache"
${executor === 'docker' ? '  [runners.docker]\n    image = "debian:12"\n    volumes = ["/cache"]\n' : ''}`,
  );
  return `concurrent = 4\ncheck_interval = 3\n${entries.join('')}`;
}
