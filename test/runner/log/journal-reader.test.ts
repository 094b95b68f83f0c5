/** The real journalctl on journals that the test wrote. */
import { readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { JournalReader } from '../../../src/runner/log/journal-reader.ts';
import { rootFolder } from '../../support/dns-server.ts';
import { fromUnit, writeJournal } from '../../support/journal.ts';
import type { RecordingReader } from '../../support/log-reading.ts';
import { startRecordingReader } from '../../support/log-reading.ts';
import { inColours } from '../../support/runner-lines.ts';
import { until } from '../../support/until.ts';

const UNIT = 'gitlab-runner.service';
const LINE = inColours({
  level: 'warning',
  message: 'Checking for jobs... failed',
  fields: { runner: 'abc12defg' },
});

function reading(recording: RecordingReader): RecordingReader & Disposable {
  const reader = new JournalReader({ kind: 'journal', unit: UNIT }, recording.deps);
  return { ...recording, [Symbol.dispose]: () => reader.stop() };
}

function lastState(recording: RecordingReader): string | undefined {
  return recording.states.at(-1)?.state;
}

describe('a journal', () => {
  test('gives what is there as old, then what comes as new, each line once', async () => {
    await using root = await rootFolder({});
    const now = Date.now();
    await writeJournal(root.paths.rootfs, [
      fromUnit(now - 86_400_000, 'of yesterday'),
      fromUnit(now - 60_000, LINE),
      fromUnit(now - 59_000, 'of another unit', { _SYSTEMD_UNIT: 'cron.service' }),
      fromUnit(now - 58_000, 'x'.repeat(9000)),
    ]);
    using recording = reading(startRecordingReader(root.paths));
    await until(() => lastState(recording) === 'reading');
    await writeJournal(root.paths.rootfs, [fromUnit(Date.now(), 'Configuration loaded')]);
    await until(() => recording.lines.length > 2);

    expect(recording.lines.map(({ text, isOld }) => [text, isOld])).toEqual([
      [LINE, true],
      ['x'.repeat(9000), true],
      ['Configuration loaded', false],
    ]);
    expect(recording.lines[0]?.at).toBe(now - 60_000);
  });

  test('that rotates away is followed into its next file', async () => {
    await using root = await rootFolder({});
    await writeJournal(root.paths.rootfs, [fromUnit(Date.now() - 1000, 'first')]);
    using recording = reading(startRecordingReader(root.paths));
    await until(() => lastState(recording) === 'reading');
    await writeJournal(root.paths.rootfs, [fromUnit(Date.now(), 'second')], 'next.journal');
    await until(() => recording.lines.length > 1);

    expect(recording.lines.map(({ text }) => text)).toEqual(['first', 'second']);
  });

  test('without a line of the unit is read all the same', async () => {
    await using root = await rootFolder({});
    await writeJournal(root.paths.rootfs, [
      fromUnit(Date.now(), 'other', { _SYSTEMD_UNIT: 'cron.service' }),
    ]);
    using recording = reading(startRecordingReader(root.paths));
    await until(() => lastState(recording) === 'reading');

    expect(recording.lines).toEqual([]);
  });
});

/** A `journalctl` of the test's own, first on PATH. */
async function standIn(
  script: string,
): Promise<AsyncDisposable & { readonly recording: RecordingReader; readonly calls: string }> {
  const root = await rootFolder({ '/stand-in/calls': '' });
  const folder = join(root.paths.rootfs, 'stand-in');
  const calls = join(folder, 'calls');
  const text = `#!/bin/sh\necho "$*" >> '${calls}'\n${script}\n`;
  await writeFile(join(folder, 'journalctl'), text, { mode: 0o755 });
  const before = process.env['PATH'] ?? '';
  process.env['PATH'] = `${folder}${delimiter}${before}`;
  return {
    recording: startRecordingReader({ ...root.paths, rootfs: '/' }),
    calls,
    [Symbol.asyncDispose]: async () => {
      process.env['PATH'] = before;
      await root[Symbol.asyncDispose]();
    },
  };
}

/** As journalctl prints one. */
const entry = (n: number): string =>
  `{"__CURSOR":"s=1;i=${n}","__REALTIME_TIMESTAMP":"1795510800000000","MESSAGE":"line ${n}"}`;

describe('a journalctl', () => {
  test('that ends is started again behind the last entry', async () => {
    // The first run prints one entry, each later one exits at once.
    await using host = await standIn(
      `case "$*" in *after-cursor*) exit 1;; esac\necho '${entry(7)}'`,
    );
    using recording = reading(host.recording);
    const calls = async (): Promise<string[]> =>
      (await readFile(host.calls, 'utf8')).trim().split('\n');
    await until(async () => (await calls()).length > 2);

    expect((await calls())[0]).toMatch(/--unit gitlab-runner\.service --since @\d+ -n 4000$/);
    expect((await calls()).slice(1, 3)).toEqual(
      Array.from({ length: 2 }, () =>
        expect.stringMatching(/--follow --no-tail --after-cursor=s=1;i=7$/),
      ),
    );
    expect(recording.lines).toHaveLength(1);
    expect(lastState(recording)).toBe('failed');
  });

  test('that ends in order instead of following is asked again, and is no failure', async () => {
    await using host = await standIn(
      `case "$*" in *after-cursor=s=1\\;i=7*) echo '${entry(8)}';; *after-cursor*) ;; *) echo '${entry(7)}';; esac`,
    );
    using recording = reading(host.recording);
    await until(() => recording.lines.length > 1);

    expect(recording.lines.map(({ text, isOld }) => [text, isOld])).toEqual([
      ['line 7', true],
      ['line 8', false],
    ]);
    expect(new Set(recording.states.map(({ state }) => state))).toEqual(
      new Set(['starting', 'reading']),
    );
  });

  test.each([
    ['No journal files were opened due to insufficient permissions.', 1],
    ['Hint: You are currently not seeing messages from other users and the system.', 0],
  ])('that says %j shows that permission denied read it', async (hint, code) => {
    await using host = await standIn(
      `echo '${hint}' >&2\ncase "$*" in *follow*) exec sleep 30;; esac\nexit ${code}`,
    );
    using recording = reading(host.recording);
    await until(() => recording.states.length > 1);

    expect(recording.states.at(-1)).toEqual({
      state: 'not-allowed',
      detail: 'this user may not read the journal',
    });
  });

  test('that fails says why', async () => {
    await using host = await standIn('echo "Failed to open: Bad message" >&2; exit 1');
    using recording = reading(host.recording);
    await until(() => lastState(recording) === 'failed');

    expect(recording.states.at(-1)?.detail).toBe('journalctl failed: Failed to open: Bad message');
  });

  test('that is not there is no end of the daemon', async () => {
    await using host = await standIn('');
    const path = process.env['PATH'];
    process.env['PATH'] = '/nowhere';
    using recording = reading(host.recording);
    await until(() => lastState(recording) === 'failed');
    process.env['PATH'] = path;

    expect(recording.states.at(-1)?.detail).toBe('journalctl failed: journalctl is not installed');
  });
});
