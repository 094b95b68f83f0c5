/** The build information of a program; the files are as Go 1.18 and newer link them. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { readGoBuild } from '../../../src/host/proc/go-build.ts';
import { buildInfo, elf } from '../../support/go-program.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runnerwatch-elf-'));
});
afterAll(async () => await rm(folder, { recursive: true }));

async function read(bytes: Buffer) {
  const path = join(folder, 'program');
  await writeFile(path, bytes);
  return await readGoBuild(path);
}

test('the version and the defaults that go.mod chose', async () => {
  const settings = 'path\told\nbuild\t-trimpath=true\nbuild\tDefaultGODEBUG=tls3des=1,tlsmlkem=0\n';
  expect(await read(elf(buildInfo('go1.26.8', settings)))).toEqual({
    text: 'go1.26.8',
    minor: 26,
    defaults: { tls3des: '1', tlsmlkem: '0' },
  });
});

test('the version of the TOML library', async () => {
  const settings =
    'path\tx\ndep\tgithub.com/BurntSushi/toml\tv1.3.2\th1:abc=\nbuild\t-trimpath=true\n';
  expect(await read(elf(buildInfo('go1.21.9', settings)))).toMatchObject({ toml: 'v1.3.2' });
});

test('the version of the library for CI steps, and its own version where the build kept it', async () => {
  const steps =
    'path\tx\ndep\tgitlab.com/gitlab-org/step-runner\tv0.32.1-0.20260409123551-7\th1:a=\n';
  const flags =
    'build\t-ldflags="-X gitlab.com/gitlab-org/gitlab-runner/common.NAME=gitlab-runner -X gitlab.com/gitlab-org/gitlab-runner/common.VERSION=18.9.1 -w"\n';
  expect(await read(elf(buildInfo('go1.25.7', steps + flags)))).toMatchObject({
    steps: 'v0.32.1',
    release: '18.9.1',
  });
});

test('without defaults of its own, and with words behind the version', async () => {
  expect(await read(elf(buildInfo('go1.19.13 X:boringcrypto', 'path\told\n')))).toEqual({
    text: 'go1.19.13 X:boringcrypto',
    minor: 19,
    defaults: {},
  });
});

test.each<[string, Buffer]>([
  ['a script', Buffer.from(`#!/bin/sh\n${'#'.repeat(100)}`)],
  ['an empty file', Buffer.alloc(0)],
  ['a program that is not Go', elf(buildInfo('go1.26.8', ''), 1)],
  ['a development version', elf(buildInfo('devel go1.27-abc', ''))],
  ['half a file', elf(buildInfo('go1.26.8', '')).subarray(0, 100)],
  ['a section with something else', elf(Buffer.alloc(64))],
])('%s says nothing', async (_what, bytes) => {
  expect(await read(bytes)).toBeUndefined();
});

test('a file that is not there says nothing', async () => {
  expect(await readGoBuild('/nowhere/program')).toBeUndefined();
});
