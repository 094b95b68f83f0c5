/**
 * Images, made on the spot. One like gitlab/gitlab-runner: the same first process, entrypoint, command, volumes and signal
 * to stop; its `gitlab-runner` is the lab's runner. And one for runnerwatch. Both hold a shell and the libraries of Node;
 * Node itself is mounted.
 */
import { createHash } from 'node:crypto';
import { execFile } from 'node:child_process';
import { chmod, chown, copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';

import { PUBLIC_ROOT } from '../peers/pki.ts';

const execute = promisify(execFile);

export const IMAGE = 'gitlab/gitlab-runner:latest';
const APPLETS = 'sh cat cmp cp dirname getent ls sleep grep readlink stat'.split(' ');

export interface ImageSpec {
  readonly tag: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly files: Readonly<Record<string, string>>;
  readonly programs: readonly string[];
  /** Owned by the user of jobs. */
  readonly jobFolders: readonly string[];
}

/** Of `--user`: its jobs write there. */
const JOB_USER = 999;
const JOB_FOLDERS = ['home/gitlab-runner', 'builds', 'cache'];

/** A certificate in its config folder becomes one of the system's when the container starts. */
const ENTRYPOINT = `#!/bin/sh
given=\${CA_CERTIFICATES_PATH:-/etc/gitlab-runner/certs/ca.crt}
taken=/usr/local/share/ca-certificates/ca.crt
if [ -f "$given" ] && ! cmp -s "$given" "$taken"; then
  cp "$given" "$taken"
  cat "$taken" >>/etc/ssl/certs/ca-certificates.crt
fi
exec gitlab-runner "$@"
`;

const RUNNER = `#!/bin/sh
exec -a gitlab-runner ${process.execPath} "$@"
`;

const ROOT_USER = 'root:x:0:0:root:/root:/bin/sh\n';
const FILES: Readonly<Record<string, string>> = {
  '/etc/passwd': ROOT_USER,
  '/etc/group': 'root:x:0:\n',
  '/etc/nsswitch.conf': 'hosts: files dns\n',
  '/etc/os-release': 'ID=ubuntu\nVERSION_ID="24.04"\n',
  '/etc/ssl/certs/ca-certificates.crt': PUBLIC_ROOT.pem,
};
const ENVIRONMENT = ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'];

export const RUNNER_IMAGE: ImageSpec = {
  tag: IMAGE,
  config: {
    Entrypoint: ['/usr/bin/dumb-init', '/entrypoint'],
    Cmd: ['run', '--user=gitlab-runner', '--working-directory=/home/gitlab-runner'],
    Env: ENVIRONMENT,
    Volumes: { '/etc/gitlab-runner': {}, '/home/gitlab-runner': {} },
    StopSignal: 'SIGQUIT',
  },
  files: {
    ...FILES,
    '/entrypoint': ENTRYPOINT,
    '/usr/bin/gitlab-runner': RUNNER,
    '/etc/passwd': `${ROOT_USER}gitlab-runner:x:${JOB_USER}:${JOB_USER}::/home/gitlab-runner:/bin/sh\n`,
    '/etc/group': `root:x:0:\ngitlab-runner:x:${JOB_USER}:\n`,
  },
  programs: ['/entrypoint', '/usr/bin/gitlab-runner'],
  jobFolders: JOB_FOLDERS,
};

/** Nothing of a runner, no systemd, no journalctl, no nft. */
export const WATCHER_IMAGE: ImageSpec = {
  tag: 'runnerwatch:latest',
  config: { Env: ENVIRONMENT },
  files: FILES,
  programs: [],
  jobFolders: [],
};

/** Writes the archive that both engines load; the folder is the lab's own. */
export async function makeImage(folder: string, spec: ImageSpec): Promise<string> {
  const root = join(folder, 'image');
  await writeRoot(root, spec);
  const layer = join(folder, 'layer.tar');
  await execute('tar', ['-C', root, '-cf', layer, '.']);
  const sum = createHash('sha256')
    .update(await readFile(layer))
    .digest('hex');
  const image = {
    architecture: 'amd64',
    os: 'linux',
    config: spec.config,
    rootfs: { type: 'layers', diff_ids: [`sha256:${sum}`] },
  };
  const manifest = [{ Config: 'config.json', RepoTags: [spec.tag], Layers: ['layer.tar'] }];
  await writeFile(join(folder, 'config.json'), JSON.stringify(image));
  await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest));
  const archive = join(folder, 'image.tar');
  const parts = ['manifest.json', 'config.json', 'layer.tar'];
  await execute('tar', ['-C', folder, '-cf', archive, ...parts]);
  return archive;
}

async function writeRoot(root: string, { files, programs, jobFolders }: ImageSpec): Promise<void> {
  const folders = [
    'bin',
    'root',
    'run',
    'usr/bin',
    'tmp',
    'var',
    'usr/local/share/ca-certificates',
    ...jobFolders,
  ];
  for (const name of folders) await mkdir(join(root, name), { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), text);
  }
  for (const name of jobFolders) await chown(join(root, name), JOB_USER, JOB_USER);
  for (const name of programs) await chmod(join(root, name), 0o755);
  await copyFile('/usr/bin/busybox', join(root, 'bin/busybox'));
  for (const name of APPLETS) await symlink('busybox', join(root, 'bin', name));
  await symlink('/run', join(root, 'var/run'));
  await copyFile('/usr/bin/dumb-init', join(root, 'usr/bin/dumb-init'));
  for (const library of await librariesOf(process.execPath)) {
    const place = library.startsWith('/lib64/') ? library : join('/lib', basename(library));
    await mkdir(dirname(join(root, place)), { recursive: true });
    await copyFile(library, join(root, place));
  }
}

async function librariesOf(program: string): Promise<readonly string[]> {
  const { stdout } = await execute('ldd', [program]);
  return [...stdout.matchAll(/(?<path>\/\S+) \(0x/g)].map(({ groups }) => groups?.['path'] ?? '');
}
