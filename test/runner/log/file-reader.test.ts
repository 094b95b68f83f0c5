/** Real files: that grow, are moved away, are cut, are not there. */
import { appendFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { FileReader } from '../../../src/runner/log/file-reader.ts';
import { rootFolder } from '../../support/dns-server.ts';
import type { RecordingReader } from '../../support/log-reading.ts';
import { startRecordingReader } from '../../support/log-reading.ts';
import { until } from '../../support/until.ts';

const LOG = '/var/log/runner.log';

interface Host extends AsyncDisposable {
  readonly file: string;
  readonly recording: RecordingReader;
  texts(): readonly string[];
  isReading(): boolean;
}

async function watchFile(content: string | undefined, mayTake?: () => boolean): Promise<Host> {
  const root = await rootFolder(
    content === undefined ? { '/var/log/other': '' } : { [LOG]: content },
  );
  const recording = startRecordingReader(root.paths, mayTake);
  const reader = new FileReader(LOG, recording.deps);
  return {
    file: join(root.paths.rootfs, LOG),
    recording,
    texts: () => recording.lines.map(({ text }) => text),
    isReading: () => recording.states.at(-1)?.state === 'reading',
    [Symbol.asyncDispose]: async () => {
      reader.stop();
      await root[Symbol.asyncDispose]();
    },
  };
}

test('what is there is old, what comes is new, and a line counts when it has ended', async () => {
  await using host = await watchFile('one\ntwo\n');
  await until(() => host.isReading());
  await appendFile(host.file, 'thr');
  await appendFile(host.file, 'ee\nfour\nfi');
  await until(() => host.texts().length === 4);

  expect(host.recording.lines.map(({ text, isOld }) => [text, isOld])).toEqual([
    ['one', true],
    ['two', true],
    ['three', false],
    ['four', false],
  ]);
});

test('only the end of a large file is read', async () => {
  await using host = await watchFile(`${'x'.repeat(1_000_000)}\nlast\n`);
  await until(() => host.isReading());

  expect(host.texts().at(-1)).toBe('last');
  expect(host.texts().join('').length).toBeLessThan(600_000);
});

describe('rotation', () => {
  test('by a new file: the rest of the old one, then the new one from its start', async () => {
    await using host = await watchFile('one\n');
    await until(() => host.isReading());
    await appendFile(host.file, 'two\n');
    await rename(host.file, `${host.file}.1`);
    await appendFile(`${host.file}.1`, 'three');
    await writeFile(host.file, 'four\n');
    await until(() => host.texts().length === 4);

    expect(host.texts()).toEqual(['one', 'two', 'three', 'four']);
  });

  test('by truncation: the file from its start', async () => {
    await using host = await watchFile('a long line that was there before\n');
    await until(() => host.isReading());
    await truncate(host.file, 0);
    await appendFile(host.file, 'new\n');
    await until(() => host.texts().length === 2);

    expect(host.texts()[1]).toBe('new');
  });
});

describe('a file that is not there', () => {
  test('is reported, and is all new when it appears', async () => {
    await using host = await watchFile(undefined);
    await until(() => host.recording.states.at(-1)?.state === 'failed');
    expect(host.recording.states.at(-1)?.detail).toBe(
      '/var/log/runner.log cannot be read (ENOENT)',
    );

    await writeFile(host.file, 'first\n');
    await until(() => host.isReading() && host.texts().length === 1);

    expect(host.recording.lines).toEqual([{ text: 'first', isOld: false }]);
  });

  test('any more is reported as well, and read on when it is back', async () => {
    await using host = await watchFile('one\n');
    await until(() => host.isReading());
    await rm(host.file);
    await until(() => !host.isReading());
    await writeFile(host.file, 'two\n');
    await until(() => host.texts().length === 2);

    expect(host.texts()).toEqual(['one', 'two']);
  });
});

test('lines of syslog have their date', async () => {
  await using host = await watchFile('2026-11-24T08:59:00Z ci-07 gitlab-runner[812]: text\n');
  await until(() => host.isReading());

  expect(host.recording.lines).toEqual([
    {
      text: 'text',
      at: Date.parse('2026-11-24T08:59:00Z'),
      isOld: true,
      latestAt: expect.any(Number),
    },
  ]);
});

test('a line that is one too many is left out', async () => {
  await using host = await watchFile('one\n', () => false);
  await until(() => host.isReading());
  await appendFile(host.file, 'two\n');
  const states = host.recording.states.length;
  await until(() => host.recording.states.length > states + 1);

  expect(host.texts()).toEqual(['one']);
});
