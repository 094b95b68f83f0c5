/** The programs that executors start, as files in a root of the test. Rights of another user are in test/root. */
import { chmod, symlink } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import type { Finding } from '../../src/core/finding.ts';
import type { NeededPlugin, NeededProgram, ProgramsBackend } from '../../src/core/target.ts';
import { pluginFault } from '../../src/host/fs/fleeting-plugin.ts';
import { jobPrograms } from '../../src/probes/job-programs.ts';
import { rootFolder } from '../support/dns-server.ts';
import { processOf } from '../support/places.ts';
import { runProbe } from '../support/run-probe.ts';

type Files = Readonly<Record<string, string | Buffer>>;

const SCRIPT = '#!/bin/sh\nexit 0\n';
const SHELL: Files = { '/bin/sh': '\u007FELF\0' };
const OTHERS = { uid: 4321, groups: [4321] };
const RUN: NeededProgram = { name: '/ci/run.sh', setting: 'run_exec', folders: ['/usr/bin'] };

interface Given {
  /** Which of the files may be executed; all by default. */
  readonly executable?: readonly string[];
  readonly who?: typeof OTHERS;
  readonly mode?: number;
}

async function look(
  files: Files,
  backend: Partial<ProgramsBackend> = {},
  { executable = Object.keys(files), who, mode = 0o755 }: Given = {},
): Promise<Finding> {
  await using root = await rootFolder({ ...SHELL, '/usr/bin/x': '', ...files });
  const { rootfs } = root.paths;
  await chmod(rootfs, 0o755);
  for (const path of executable) await chmod(join(rootfs, path), mode);
  const target = {
    kind: 'executor',
    id: '/ci/run.sh',
    executor: 'custom',
    runners: ['a'],
    backend: {
      kind: 'programs',
      programs: [RUN],
      lacks: [],
      unexamined: 'they make an environment for jobs',
      ...backend,
    },
  } as const;
  return await runProbe(jobPrograms, target, {
    tools: { paths: root.paths, process: processOf(who) },
  });
}

const mounts = (point: string) => ({
  '/proc/1/mountinfo': `1 0 8:1 / / rw - ext4 /dev/a rw\n2 1 8:2 / ${point} rw,noexec - ext4 /dev/b rw\n`,
});

const NOT_EXAMINED = { status: 'unknown', reason: 'not-examined' };

describe('a program', () => {
  test.each<[string, Files, Partial<NeededProgram>]>([
    ['a script whose interpreter is there', { '/ci/run.sh': SCRIPT }, {}],
    ['a binary', { '/ci/run.sh': '\u007FELF\u0002\0' }, {}],
    ['an interpreter behind a blank', { '/ci/run.sh': '#! /bin/sh -e\n' }, {}],
    ['a name in PATH', { '/usr/bin/run': SCRIPT }, { name: 'run' }],
    ['a form that is not text', { '/ci/run.sh': 'MZ\0\u0001' }, {}],
    ['a name in a PATH that is not known', {}, { name: 'run', folders: undefined as never }],
  ])('%s is no fault, and says nothing of jobs', async (_what, files, over) => {
    const { folders, ...rest } = { ...RUN, ...over };
    const program = { ...rest, ...(folders === undefined ? {} : { folders }) };

    expect(await look(files, { programs: [program] })).toMatchObject({
      ...NOT_EXAMINED,
      detail: expect.stringContaining('whether they make an environment for jobs'),
    });
  });

  test.each<[string, Files, Partial<NeededProgram>, string]>([
    ['that is nowhere', {}, {}, '/ci/run.sh (run_exec) does not exist'],
    ['below a file', { '/ci': '' }, {}, '/ci/run.sh (run_exec) does not exist'],
    ['that is not in PATH', {}, { name: 'run' }, 'run (run_exec) is not in PATH (/usr/bin)'],
    [
      'with a relative path, even if the root has one',
      { '/ci/run.sh': SCRIPT },
      { name: './ci/run.sh' },
      './ci/run.sh (run_exec) is a relative path, which is looked for in a new folder of each job',
    ],
  ])('%s is missing', async (_what, files, over, detail) => {
    const found = await look(files, { programs: [{ ...RUN, ...over }] });

    expect(found).toMatchObject({ status: 'fail', reason: 'program-missing', detail });
  });

  test('that no user may execute is denied, to root too', async () => {
    expect(await look({ '/ci/run.sh': SCRIPT }, {}, { executable: [] })).toMatchObject({
      status: 'fail',
      reason: 'program-denied',
      facts: { program: '/ci/run.sh', path: '/ci/run.sh', because: 'mode' },
    });
  });

  test.each([
    ['neither read nor execute', 0o700],
    ['a script that it may not read', 0o711],
  ])('is denied to a user who may %s', async (_what, mode) => {
    const files = { '/ci/run.sh': SCRIPT };

    expect(await look(files, {}, { who: OTHERS, mode })).toMatchObject({
      status: 'fail',
      reason: 'program-denied',
      detail: '/ci/run.sh (run_exec) may not be executed by the user 4321',
      facts: { path: '/ci/run.sh' },
    });
    expect(await look(files, {}, { mode })).toMatchObject(NOT_EXAMINED);
  });

  test('of which one is denied and another one in PATH is right is no fault', async () => {
    const files = { '/usr/bin/run': SCRIPT, '/opt/run': SCRIPT };
    const program = { ...RUN, name: 'run', folders: ['/usr/bin', '/opt'] };

    expect(await look(files, { programs: [program] }, { executable: ['/opt/run'] })).toMatchObject(
      NOT_EXAMINED,
    );
    expect(await look(files, { programs: [program] }, { executable: [] })).toMatchObject({
      reason: 'program-denied',
    });
  });

  test.each([
    [
      'a script without its interpreter',
      '#!/usr/bin/python3 -u\n',
      'interpreter',
      '/usr/bin/python3',
    ],
    ['a script with the line ends of Windows', '#!/bin/sh\r\nexit\r\n', 'line-ends', undefined],
    ['such a script that env starts', '#!/usr/bin/env bash\r\nexit\r\n', 'line-ends', undefined],
    ['a text without a first line for the kernel', 'echo hello\n', 'form', undefined],
    ['an empty file', '', 'form', undefined],
  ])('%s cannot be executed', async (_what, text, because, needs) => {
    const found = await look({ '/ci/run.sh': text });

    expect(found).toMatchObject({
      status: 'fail',
      reason: 'program-invalid',
      facts: { because, ...(needs === undefined ? {} : { needs }) },
    });
  });

  test('the first in PATH that may be executed is the one that Go starts', async () => {
    const files = { '/usr/bin/run': 'a page\n', '/opt/run': SCRIPT };
    const program = { ...RUN, name: 'run', folders: ['/usr/bin', '/opt'] };

    expect(await look(files, { programs: [program] })).toMatchObject({ reason: 'program-invalid' });
    expect(
      await look(files, { programs: [{ ...program, folders: ['/opt', '/usr/bin'] }] }),
    ).toMatchObject(NOT_EXAMINED);
  });

  test('a text is no fault where the kernel knows other forms', async () => {
    const files = { '/ci/run.sh': 'module\n', '/proc/sys/fs/binfmt_misc/wasm': 'enabled\n' };

    expect(await look(files)).toMatchObject(NOT_EXAMINED);
  });

  test('a folder in its place cannot be executed', async () => {
    expect(await look({ '/ci/run.sh/x': '' })).toMatchObject({
      reason: 'program-invalid',
      facts: { because: 'directory' },
    });
  });

  test('on a mount with noexec cannot be executed, and on the one above it can', async () => {
    const files = { '/ci/run.sh': SCRIPT };

    expect(await look({ ...files, ...mounts('/ci') })).toMatchObject({
      reason: 'program-invalid',
      facts: { because: 'mount', needs: '/ci' },
    });
    expect(await look({ ...files, ...mounts('/c') })).toMatchObject(NOT_EXAMINED);
  });

  test('for the cleanup stops no job, and one that does is named before it', async () => {
    const cleanup = {
      ...RUN,
      name: '/ci/clean',
      setting: 'cleanup_exec',
      isForCleanup: true,
    } as const;

    expect(await look({ '/ci/run.sh': SCRIPT }, { programs: [cleanup, RUN] })).toMatchObject({
      status: 'warn',
      reason: 'cleanup-unusable',
      facts: { program: '/ci/clean' },
    });
    expect(await look({}, { programs: [cleanup, RUN] })).toMatchObject({
      reason: 'program-missing',
      facts: { program: '/ci/run.sh' },
    });
  });
});

test('a key that config.toml lacks is named first', async () => {
  const lacks = ['run_exec in [runners.custom]'];

  expect(await look({}, { lacks })).toMatchObject({
    status: 'fail',
    reason: 'setting-missing',
    detail: 'config.toml has no run_exec in [runners.custom], which this executor requires',
    facts: { setting: 'run_exec in [runners.custom]' },
  });
});

describe('the plugin of an autoscaler', () => {
  const HOME = '/root/.config/fleeting/plugins';
  const OFFICIAL = `${HOME}/registry.gitlab.com/gitlab-org/fleeting/plugins/aws`;
  const plugin = (name: string): NeededPlugin => ({
    name,
    folders: ['/usr/bin'],
    installed: [HOME],
  });
  const lookFor = async (name: string, files: Files, given?: Given) =>
    await look(files, { programs: [], plugin: plugin(name) }, given);

  test.each([
    ['aws', '/usr/bin/fleeting-plugin-aws'],
    ['fleeting-plugin-aws', '/usr/bin/fleeting-plugin-aws'],
    ['/opt/aws', '/opt/aws'],
    ['aws', `${OFFICIAL}/1.0.1/plugin`],
    ['aws:latest', `${OFFICIAL}/1.0.1/plugin`],
    ['aws:1', `${OFFICIAL}/1.0.1/plugin`],
    ['aws:1.0', `${OFFICIAL}/1.0.1/plugin`],
    ['aws:1.0.1', `${OFFICIAL}/1.0.1/plugin`],
    ['aws:edge', `${OFFICIAL}/1.0.1/plugin`],
    ['aws:1', `${OFFICIAL}/bleeding/plugin`],
    ['registry.gitlab.com/gitlab-org/fleeting/plugins/aws:1', `${OFFICIAL}/1.0.1/plugin`],
    ['santhanuv/fleeting-plugin-vsphere', `${HOME}/r.test/santhanuv/vsphere/0.1.0/plugin`],
  ])('%s at %s is found, which says nothing of its machines', async (name, path) => {
    expect(await lookFor(name, { [path]: SCRIPT })).toMatchObject(NOT_EXAMINED);
  });

  test.each([
    ['aws', {}, `aws (plugin) is not in /usr/bin or ${HOME}`],
    ['/opt/aws', {}, '/opt/aws (plugin) does not exist'],
    [
      'aws',
      { [`${HOME}/r.test/bigaws/1.0.0/plugin`]: SCRIPT },
      `aws (plugin) is not in /usr/bin or ${HOME}`,
    ],
    [
      'aws:2',
      { [`${OFFICIAL}/1.0.1/plugin`]: SCRIPT, [`${OFFICIAL}/20.1.0/plugin`]: SCRIPT },
      'aws:2 (plugin) is installed as 1.0.1, 20.1.0 alone, and aws:2 wants another version',
    ],
  ])('%s is missing', async (name, files, detail) => {
    expect(await lookFor(name, files)).toMatchObject({
      status: 'fail',
      reason: 'plugin-missing',
      detail,
    });
  });

  test('behind a link is found, and a circle of links ends', async () => {
    await using root = await rootFolder({
      ...SHELL,
      '/srv/aws/plugin': SCRIPT,
      [`${OFFICIAL}/x`]: '',
      [`${HOME}/r.test/x`]: '',
    });
    const { paths } = root;
    await chmod(join(paths.rootfs, '/srv/aws/plugin'), 0o755);
    const find = async (): Promise<unknown> =>
      await pluginFault(plugin('aws'), { paths, who: undefined, mounts: [] });
    await symlink('.', join(paths.rootfs, HOME, 'r.test/circle'));
    expect(await find()).toMatchObject({ kind: 'missing' });
    await symlink('/srv/aws', join(paths.rootfs, OFFICIAL, '1.0.1'));
    expect(await find()).toBeUndefined();
  });

  test.each(['/usr/bin/fleeting-plugin-aws', `${OFFICIAL}/1.0.1/plugin`])(
    'at %s that may not be executed is there, and denied',
    async (path) => {
      expect(await lookFor('aws', { [path]: SCRIPT }, { executable: [] })).toMatchObject({
        reason: 'program-denied',
        facts: { path },
      });
    },
  );
});

describe('the key for the machines', () => {
  const backend = { programs: [], keyFile: '/keys/id' };

  test('is read by the runner before it asks for jobs', async () => {
    const gone = await look({ '/keys/other': '' }, backend);
    const denied = await look({ '/keys/id': '' }, backend, { who: OTHERS, mode: 0o600 });

    expect(gone).toMatchObject({
      status: 'fail',
      reason: 'key-unreadable',
      facts: { path: '/keys/id', because: 'missing' },
    });
    expect(denied).toMatchObject({
      reason: 'key-unreadable',
      detail: 'the key /keys/id (key_path) cannot be read by the user 4321 (/keys/id)',
    });
    expect(await look({ '/keys/id': '' }, backend, { mode: 0o600 })).toMatchObject(NOT_EXAMINED);
  });
});
