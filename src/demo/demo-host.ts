/**
 * The host of the demo: a folder with the runner's files, a GitLab, a runner. Everything is in that folder, or in one
 * container, and is removed with it.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import type { Authority, IssuedCertificate } from './certificates.ts';
import { createAuthority } from './certificates.ts';
import type { DockerStandIn } from './docker-stand-in.ts';
import { startDockerStandIn } from './docker-stand-in.ts';
import type { DemoEngine } from './engine.ts';
import type { GitLabStandIn } from './gitlab-stand-in.ts';
import { startGitLabStandIn } from './gitlab-stand-in.ts';
import type { RunnerHome } from './runner-home.ts';
import { liveInContainer } from './runner-in-container.ts';
import { liveOnHost } from './runner-on-host.ts';
import type { StandInEntry } from './runner-options.ts';

export const DEMO_HOST = 'gitlab.demo.test';
/** With the number of this process: another demo on this host has a runner of its own. */
const FOLDER_ON_HOST = `/etc/gitlab-runner-demo-${process.pid}`;
const FOLDER_IN_CONTAINER = '/etc/gitlab-runner';
/** As the runner of the demo sees it; not the path of a real runner that may live on this host. */
export const DEMO_CONFIG = `${FOLDER_ON_HOST}/config.toml`;
const FOLDERS = [
  'etc/ssl/certs',
  'tmp',
  'builds',
  'cache',
  'home/gitlab-runner',
  'var/lib/docker',
  'var/run',
];
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
  /** `--path.procfs` of the daemon. */
  readonly procfs: string;
  /** `--runner.config` of the daemon. */
  readonly configPath: string;
  /** The command that shows the runner's log; absent for a host of the demo. */
  readonly runnerLog: string | undefined;
  readonly gitlab: GitLabStandIn;
  readonly docker: DockerStandIn;
  readonly entries: readonly StandInEntry[];
  readonly authority: Authority;
  /** The certificate of a healthy GitLab. */
  readonly goodCertificate: IssuedCertificate;
  readonly runner: RunnerHome;
  readonly writeConfig: (text: string) => Promise<void>;
  /** The config.toml of a healthy runner. */
  readonly goodConfig: string;
  /** Adds GitLab's name to the hosts file, or removes it. */
  readonly setName: (isKnown: boolean) => Promise<void>;
}

/** With an engine the runner lives in a container of this host. */
export async function buildDemoHost(engine?: DemoEngine): Promise<DemoHost> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'runnerwatch-demo-'));
  stack.defer(async () => await rm(folder, { recursive: true, force: true }));
  const { authority, goodCertificate, gitlab } = await startGitLab();
  stack.use(gitlab);
  const configFolder = engine === undefined ? FOLDER_ON_HOST : FOLDER_IN_CONTAINER;
  const configPath = `${configFolder}/config.toml`;
  const goodConfig = configText(gitlab.port, configFolder);
  await writeTree(folder, configFolder, authority, goodConfig);
  const docker = stack.use(await startDockerStandIn(join(folder, 'var/run/docker.sock')));
  const caPem = authority.certificatePem;
  const order = { folder, configPath, port: gitlab.port, host: DEMO_HOST, caPem, entries: ENTRIES };
  const runner = stack.use(
    await (engine === undefined ? liveOnHost(order) : liveInContainer(engine, order)),
  );
  const all = stack.move();
  return {
    rootfs: runner.rootfs,
    procfs: runner.procfs,
    configPath: runner.configPath,
    runnerLog: runner.runnerLog,
    gitlab,
    docker,
    entries: ENTRIES,
    authority,
    goodCertificate,
    goodConfig,
    runner,
    writeConfig: async (text) => await writeFile(join(folder, configPath), text, { mode: 0o600 }),
    setName: async (isKnown) => await setName(await runner.hostsFile(), isKnown),
    [Symbol.asyncDispose]: async () => await all.disposeAsync(),
  };
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

async function writeTree(
  folder: string,
  configFolder: string,
  authority: Authority,
  config: string,
): Promise<void> {
  for (const name of FOLDERS) await mkdir(join(folder, name), { recursive: true });
  const files: Readonly<Record<string, string>> = {
    'etc/hosts': `127.0.0.1 localhost\n${NAME_LINE}`,
    'etc/nsswitch.conf': 'hosts: files dns\n',
    'etc/ssl/certs/ca-certificates.crt': '',
    [caFileIn(configFolder)]: authority.certificatePem,
    [`${configFolder}/config.toml`]: config,
    [`${configFolder}/.runner_system_id`]: 's_0123456789ab',
  };
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text, { mode: 0o600 });
  }
}

function caFileIn(configFolder: string): string {
  return `${configFolder}/demo-ca.pem`;
}

const NAME_LINE = `127.0.0.1 ${DEMO_HOST}\n`;

/** In place: an engine has mounted the file into its container. */
async function setName(hostsFile: string, isKnown: boolean): Promise<void> {
  const lines = (await readFile(hostsFile, 'utf8')).split(/(?<=\n)/);
  const others = lines.filter((line) => !line.includes(DEMO_HOST)).join('');
  await writeFile(hostsFile, isKnown ? `${others}${NAME_LINE}` : others);
}

function configText(port: number, configFolder: string): string {
  const entries = ENTRIES.map(
    ({ name, token, executor }) => `
[[runners]]
  name = "${name}"
  url = "https://${DEMO_HOST}:${port}/"
  token = "${token}"
  tls-ca-file = "${caFileIn(configFolder)}"
  executor = "${executor}"
  builds_dir = "/builds"
  cache_dir = "/cache"
${executor === 'docker' ? '  [runners.docker]\n    image = "debian:12"\n    volumes = ["/cache"]\n' : ''}`,
  );
  return `concurrent = 4\ncheck_interval = 3\n${entries.join('')}`;
}
