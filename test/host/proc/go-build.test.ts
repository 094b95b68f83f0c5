/** The build information of a program; the files are as Go 1.18 and newer link them. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { readGoBuild } from '../../../src/host/proc/go-build.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runnerwatch-elf-'));
});
afterAll(async () => await rm(folder, { recursive: true }));

const NAMES = Buffer.from('\0.shstrtab\0.go.buildinfo\0');

function withLength(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  return Buffer.concat([Buffer.from([(bytes.length & 0x7f) | 0x80, bytes.length >> 7]), bytes]);
}

function buildInfo(version: string, settings: string): Buffer {
  const head = Buffer.alloc(32);
  head.write('\xff Go buildinf:', 'latin1');
  head[15] = 2;
  return Buffer.concat([head, withLength(version), withLength(settings)]);
}

function sectionHeader(nameAt: number, offset: number, length: number): Buffer {
  const bytes = Buffer.alloc(64);
  bytes.writeUInt32LE(nameAt, 0);
  bytes.writeBigUInt64LE(BigInt(offset), 24);
  bytes.writeBigUInt64LE(BigInt(length), 32);
  return bytes;
}

/** A 64-bit little-endian ELF file with three section headers. */
function elf(section: Buffer, name = 11): Buffer {
  const header = Buffer.alloc(64);
  header.write('\x7fELF\x02\x01', 'latin1');
  const tableAt = 64 + NAMES.length + section.length;
  header.writeBigUInt64LE(BigInt(tableAt), 40);
  header.writeUInt16LE(64, 58);
  header.writeUInt16LE(3, 60);
  header.writeUInt16LE(1, 62);
  const headers = [
    sectionHeader(0, 0, 0),
    sectionHeader(1, 64, NAMES.length),
    sectionHeader(name, 64 + NAMES.length, section.length),
  ];
  return Buffer.concat([header, NAMES, section, ...headers]);
}

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
