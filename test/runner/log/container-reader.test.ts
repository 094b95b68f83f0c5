/** A real client at a stand-in for an engine: with and without a terminal, over a restart, and without a log. */
import { join } from 'node:path';

import { expect, test } from 'vitest';

import type { Clock } from '../../../src/core/clock.ts';
import { ContainerReader } from '../../../src/runner/log/container-reader.ts';
import { setClock } from '../../support/clock.ts';
import { rootFolder } from '../../support/dns-server.ts';
import type { DockerError, DockerScript } from '../../support/docker-stand-in.ts';
import { startDockerServer } from '../../support/docker-stand-in.ts';
import type { RecordingReader } from '../../support/log-reading.ts';
import { startRecordingReader } from '../../support/log-reading.ts';
import { until } from '../../support/until.ts';

const SOCKET = '/var/run/docker.sock';
const SOURCE = { kind: 'container', name: 'gitlab-runner', socket: SOCKET } as const;

interface Stage extends AsyncDisposable {
  readonly recording: RecordingReader;
  texts(): readonly string[];
}

async function follow(says: DockerScript | undefined, clock?: Clock): Promise<Stage> {
  const root = await rootFolder({ '/var/run/x': '' });
  const file = join(root.paths.rootfs, SOCKET);
  const server = says === undefined ? undefined : await startDockerServer(says, file);
  const recording = startRecordingReader(root.paths, undefined, clock);
  const reader = new ContainerReader(SOURCE, recording.deps);
  return {
    recording,
    texts: () => recording.lines.map(({ text }) => text),
    [Symbol.asyncDispose]: async () => {
      reader.stop();
      await server?.[Symbol.asyncDispose]();
      await root[Symbol.asyncDispose]();
    },
  };
}

/** As the engine sends what was written without a terminal. */
function framed(lines: readonly string[]): Buffer {
  const frames = lines.map((line) => {
    const text = Buffer.from(`${line}\n`);
    const head = Buffer.from([2, 0, 0, 0, 0, 0, 0, 0]);
    head.writeUInt32BE(text.length, 4);
    return Buffer.concat([head, text]);
  });
  return Buffer.concat(frames);
}

/** So many lines of one second, by number. */
function numbered(from: number, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => {
    const nth = String(from + index).padStart(9, '0');
    return `2026-11-30T12:00:01.${nth}Z ${nth}`;
  });
}

test('what was there is old, what comes is new, and no line comes twice', async () => {
  const lines = ['2026-11-30T12:00:01.000000001Z one', '2026-11-30T12:00:01.000000002Z two ü'];
  const asked: (string | null)[] = [];
  await using stage = await follow({
    log: (_name, query) => {
      asked.push(query.get('since'));
      return framed(lines);
    },
  });
  await until(() => stage.recording.states.at(-1)?.state === 'reading');
  lines.push('2026-11-30T12:00:02.000000000Z three');
  await until(() => stage.texts().length > 2);

  expect(stage.recording.lines.map(({ text, isOld }) => [text, isOld])).toEqual([
    ['one', true],
    ['two ü', true],
    ['three', false],
  ]);
  expect(asked[1]).toBe(String(Date.parse('2026-11-30T12:00:01Z') / 1000));
});

test('lines of one second are told apart where the engine writes no more than seconds', async () => {
  const lines = ['2026-11-30T12:00:01Z one', '2026-11-30T12:00:01Z two'];
  await using stage = await follow({ log: () => framed(lines) });
  await until(() => stage.texts().length === 2);
  lines.push('2026-11-30T12:00:01Z three', '2026-11-30T12:00:02Z four');
  await until(() => stage.texts().length === 4);

  expect(stage.texts()).toEqual(['one', 'two', 'three', 'four']);
});

test('a terminal has no frames, and ends its lines in another way', async () => {
  const text = '2026-11-30T12:00:01.5Z one\r\n2026-11-30T12:00:02.5Z two\r\n';
  await using stage = await follow({ log: () => Buffer.from(text) });
  await until(() => stage.texts().length === 2);

  expect(stage.texts()).toEqual(['one', 'two']);
});

test('more lines than usual within a second are asked for', async () => {
  let all = numbered(0, 1);
  await using stage = await follow({
    log: (_name, query) => framed(all.slice(-Number(query.get('tail')))),
  });
  await until(() => stage.recording.states.at(-1)?.state === 'reading');
  all = [...all, ...numbered(1, 500)];
  await until(() => stage.texts().length > 1);

  expect(stage.texts()).toHaveLength(501);
});

const GONE = { status: 404, message: 'No such container: gitlab-runner' };

test('a new container of the same name has a new log, and the old one is over', async () => {
  const clock = setClock();
  let answer: Buffer | DockerError = framed(['2026-11-30T12:00:01.5Z one']);
  await using stage = await follow({ log: () => answer }, clock);
  await until(() => stage.texts().length === 1);
  answer = GONE;
  await until(() => {
    // Long after a container that is made anew would be there.
    clock.advance(30);
    return stage.recording.states.at(-1)?.state === 'failed';
  });
  answer = framed(['2026-11-30T12:00:05.5Z two']);
  await until(() => stage.texts().length === 2);

  expect(stage.recording.states.find(({ state }) => state === 'failed')?.detail).toBe(
    'the log of container gitlab-runner cannot be read (there is none of that name)',
  );
  expect(stage.recording.lines.map(({ text, isOld }) => [text, isOld])).toEqual([
    ['one', true],
    ['two', false],
  ]);
});

test('between a container and the one that replaces it, its log is not unreadable', async () => {
  let asked = 0;
  let answer: Buffer | DockerError = framed(['2026-11-30T12:00:01.5Z one']);
  await using stage = await follow({ log: () => ((asked += 1), answer) }, setClock());
  await until(() => stage.texts().length === 1);
  answer = GONE;
  const before = asked;
  await until(() => asked > before + 1);
  answer = framed(['2026-11-30T12:00:05.5Z two']);
  await until(() => stage.texts().length === 2);

  expect(new Set(stage.recording.states.map(({ state }) => state))).toEqual(
    new Set(['starting', 'reading']),
  );
});

test('a log driver that keeps nothing, and an engine that is not there, are said', async () => {
  const none = 'configured logging driver does not support reading';
  await using stage = await follow({ log: () => ({ status: 501, message: none }) });
  await using nobody = await follow(undefined);
  await until(() => stage.recording.states.at(-1)?.state === 'failed');
  await until(() => nobody.recording.states.at(-1)?.state === 'failed');

  expect(stage.recording.states.at(-1)?.detail).toContain(none);
  expect(nobody.recording.states.at(-1)?.detail).toContain('ENOENT');
});
