import { appendFile, utimes } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { dataOf } from '../../../src/core/finding-data.ts';
import type { RunnerLogReading } from '../../../src/core/runner-event.ts';
import { IS_DATED } from '../../../src/runner/log/line-data.ts';
import type { RunnerLogWatch } from '../../../src/runner/log/log-watch.ts';
import type { RootFolder } from '../../support/dns-server.ts';
import { rootFolder } from '../../support/dns-server.ts';
import { fromUnit, writeJournal } from '../../support/journal.ts';
import { watchLog } from '../../support/log-reading.ts';
import type { LogEntry } from '../../support/runner-lines.ts';
import { inColours, json, logfmt } from '../../support/runner-lines.ts';
import { patient, until } from '../../support/until.ts';

const LOG = '/var/log/runner.log';
const FILE = { kind: 'file', path: LOG } as const;
const JOURNAL = { kind: 'journal', unit: 'gitlab-runner.service' } as const;

function failed(status: string, runner = 'abc12defg'): LogEntry {
  return { level: 'warning', message: 'Checking for jobs... failed', fields: { runner, status } };
}

async function readNow(watch: RunnerLogWatch): Promise<RunnerLogReading> {
  return await watch.read(patient());
}

async function append(root: RootFolder, ...lines: readonly string[]): Promise<void> {
  await appendFile(join(root.paths.rootfs, LOG), lines.map((line) => `${line}\n`).join(''));
}

async function kindsOf(watch: RunnerLogWatch): Promise<readonly string[]> {
  return (await readNow(watch)).events.map(({ kind }) => kind);
}

describe('what was written before', () => {
  const old: LogEntry = failed('EOF');

  test('counts in a journal, which says when it was', async () => {
    await using root = await rootFolder({});
    await writeJournal(root.paths.rootfs, [fromUnit(Date.now() - 60_000, inColours(old))]);
    using open = watchLog(JOURNAL, root.paths);

    expect(await readNow(open.watch)).toMatchObject({
      state: 'reading',
      lines: 1,
      events: [{ kind: 'poll-failed', runner: 'abc12defg', count: 1 }],
    });
    expect(open.newEvents).toEqual([]);
  });

  test('of yesterday says nothing of today', async () => {
    await using root = await rootFolder({});
    const yesterday = Date.now() - 86_400_000;
    await writeJournal(root.paths.rootfs, [fromUnit(yesterday, inColours(old))]);
    using open = watchLog(JOURNAL, root.paths);

    expect(await kindsOf(open.watch)).toEqual([]);
  });

  test.each([
    ['without a date counts from the last write of the file', inColours(old), ['poll-failed']],
    ['with a date of now counts', logfmt(old, new Date().toISOString()), ['poll-failed']],
    ['with a date of yesterday is ignored', json(old), []],
  ])('in a file, %s', async (_how, line, kinds) => {
    await using root = await rootFolder({ [LOG]: `${line}\n` });
    using open = watchLog(FILE, root.paths);

    expect(await kindsOf(open.watch)).toEqual(kinds);
  });

  test('in a file of yesterday, without a date is ignored', async () => {
    await using root = await rootFolder({ [LOG]: `${inColours(old)}\n` });
    const yesterday = new Date(Date.now() - 86_400_000);
    await utimes(join(root.paths.rootfs, LOG), yesterday, yesterday);
    using open = watchLog(FILE, root.paths);

    expect(await kindsOf(open.watch)).toEqual([]);
  });
});

describe('old lines without a date whose order is enough', () => {
  const off: LogEntry = {
    level: 'error',
    message:
      'Runner "https://gitlab.test/abc12defg" is unhealthy and will be disabled for 1h0m0s seconds!',
  };
  const loaded: LogEntry = { level: 'info', message: 'Configuration loaded' };

  test.each([
    ['a penalty that nothing took back holds', [loaded, off], ['config-loaded', 'disabled']],
    ['a penalty before the last start does not', [off, loaded], ['config-loaded']],
    ['refusals at the end hold', [failed('POST https://h: 403 Forbidden')], ['poll-failed']],
    [
      'refusals before the last start are ignored',
      [failed('POST https://h: 403 Forbidden'), loaded],
      ['config-loaded'],
    ],
  ])('%s', async (_what, entries, kinds) => {
    await using root = await rootFolder({
      [LOG]: entries.map((one) => `${inColours(one)}\n`).join(''),
    });
    using open = watchLog(FILE, root.paths);

    expect(await kindsOf(open.watch)).toEqual(kinds);
  });
});

test('a new line is a new event once, with the entry that it concerns', async () => {
  await using root = await rootFolder({ [LOG]: '' });
  using open = watchLog(FILE, root.paths);
  await readNow(open.watch);
  await append(root, inColours(failed('EOF')), inColours(failed('EOF')), 'noise');
  await until(async () => (await readNow(open.watch)).lines === 3);

  expect(open.newEvents).toEqual(['poll-failed abc12defg']);
  expect((await readNow(open.watch)).events).toMatchObject([{ count: 2 }]);
});

test('a message of several lines is one, with the entry in its last line', async () => {
  await using root = await rootFolder({ [LOG]: '' });
  using open = watchLog(FILE, root.paths);
  const entry: LogEntry = {
    level: 'warning',
    message: 'Preparation failed: first line\ntoomanyrequests: second line',
    fields: { job: 7, project: 9, runner: 'xyz12defg' },
  };
  await readNow(open.watch);
  await append(root, inColours(entry));
  await until(async () => (await readNow(open.watch)).lines === 2);

  expect((await readNow(open.watch)).events).toMatchObject([
    { kind: 'not-prepared', cause: 'docker-registry-rate-limited', runner: 'xyz12defg', count: 1 },
  ]);
});

test('nothing secret is kept, in events or in the last lines', async () => {
  await using root = await rootFolder({ [LOG]: '' });
  using open = watchLog(FILE, root.paths);
  const secret = 'glrt-t1_Abcdef0123456789xyz';
  await readNow(open.watch);
  await append(root, inColours(failed(`Post "http://me:hunter2@proxy/?token=${secret}": EOF`)));
  await until(async () => (await readNow(open.watch)).lines === 1);
  const kept = JSON.stringify([await readNow(open.watch), open.watch.lastLines('abc12defg')]);

  expect(kept).toContain('EOF');
  expect(kept).not.toMatch(/hunter2|Abcdef0123/);
});

test('of each entry the last fifty lines are kept', async () => {
  await using root = await rootFolder({ [LOG]: '' });
  using open = watchLog(FILE, root.paths);
  const lines = Array.from({ length: 70 }, (_none, index) => inColours(failed(`${index}: EOF`)));
  await readNow(open.watch);
  await append(root, ...lines, inColours(failed('EOF', 'xyz12defg')), 'Configuration loaded');
  await until(async () => (await readNow(open.watch)).lines === 72);

  expect(open.watch.lastLines('abc12defg')).toHaveLength(50);
  expect(open.watch.lastLines('abc12defg').at(-1)?.text).toMatch(/status=69: EOF$/);
  expect(open.watch.lastLines('xyz12defg')).toHaveLength(1);
  expect(open.watch.lastLines('')).toMatchObject([{ text: 'Configuration loaded' }]);
});

test('4,500 lines at once are counted, parsed up to the budget, and cost no more memory than few', async () => {
  await using root = await rootFolder({ [LOG]: '' });
  using open = watchLog(FILE, root.paths);
  await readNow(open.watch);
  const lines = Array.from({ length: 4500 }, () => inColours(failed('EOF')));
  await append(root, ...lines);
  await until(async () => {
    const { lines: taken, droppedLines } = await readNow(open.watch);
    return taken + droppedLines === 4500;
  });
  const { lines: taken, droppedLines, events } = await readNow(open.watch);

  expect(taken).toBeGreaterThanOrEqual(1000);
  expect(droppedLines).toBeGreaterThan(2000);
  expect(events).toHaveLength(1);
  expect(events[0]?.marks.length).toBeLessThan(30);
});

test('4,500 lines in a minute are all parsed', async () => {
  await using root = await rootFolder({ [LOG]: '' });
  let seconds = 0;
  const clock = { wall: () => Date.now(), seconds: () => seconds };
  using open = watchLog(FILE, root.paths, clock);
  await readNow(open.watch);
  for (let part = 1; part <= 5; part += 1) {
    seconds += 12;
    await append(root, ...Array.from({ length: 900 }, () => inColours(failed('EOF'))));
    await until(async () => (await readNow(open.watch)).lines === part * 900);
  }

  expect((await readNow(open.watch)).droppedLines).toBe(0);
});

test('a log that cannot be read says so, and is not waited for', async () => {
  await using root = await rootFolder({});
  using open = watchLog(FILE, root.paths);

  expect(await readNow(open.watch)).toMatchObject({
    state: 'failed',
    detail: '/var/log/runner.log cannot be read (ENOENT)',
    events: [],
  });
});

test('another source takes the place of the first', async () => {
  await using root = await rootFolder({ [LOG]: '', '/var/log/other': '' });
  using open = watchLog(FILE, root.paths);
  await readNow(open.watch);
  open.watch.follow({ log: { kind: 'file', path: '/var/log/other' }, paths: root.paths }, [
    'abc12defg',
  ]);
  await until(async () => (await readNow(open.watch)).detail === '/var/log/other');
  await append(root, inColours(failed('EOF')));
  await appendFile(join(root.paths.rootfs, '/var/log/other'), 'Configuration loaded\n');
  await until(async () => (await readNow(open.watch)).lines === 1);

  expect(await kindsOf(open.watch)).toEqual(['config-loaded']);
});

test.each([
  ['a date of its own', logfmt(failed('EOF'), new Date().toISOString()), true],
  ['none', inColours(failed('EOF')), undefined],
])('a line says whether it has a date: %s', async (_what, line, isDated) => {
  await using root = await rootFolder({ [LOG]: '' });
  using open = watchLog(FILE, root.paths);
  await readNow(open.watch);
  await append(root, line);
  await until(() => open.newEvents.length > 0);
  const [event] = (await readNow(open.watch)).events;

  expect(event === undefined ? 'no event' : dataOf(event, IS_DATED)).toBe(isDated);
});
