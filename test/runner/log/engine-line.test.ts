/** The files of engines, with a line of the runner in each form. */
import { expect, test } from 'vitest';

import { EngineLineJoiner, parseEngineLine } from '../../../src/runner/log/engine-line.ts';
import { rootFolder } from '../../support/dns-server.ts';
import { watchLog } from '../../support/log-reading.ts';

const TEXT =
  '\u001B[0;33mWARNING: Checking for jobs... failed\u001B[0;m runner=abc12defg status=EOF';
const AT = Date.parse('2026-11-30T12:00:01.500Z');

function ofDocker(log: string, at = '2026-11-30T12:00:01.500123456Z'): string {
  return JSON.stringify({ log, stream: 'stderr', time: at });
}

test.each([
  ['json-file', ofDocker(`${TEXT}\n`)],
  ['json-file of a terminal', ofDocker(`${TEXT}\r\n`)],
  ['k8s-file', `2026-11-30T13:00:01.500123456+01:00 stderr F ${TEXT}`],
  ['CRI, with a further tag', `2026-11-30T12:00:01.500Z stderr F:x ${TEXT}`],
])('a line of %s has its time and its text', (_form, raw) => {
  expect(parseEngineLine(raw)).toEqual({ text: TEXT, at: AT, isPart: false, stream: 'stderr' });
});

test.each([
  ['the runner', TEXT],
  ['the runner, as JSON', '{"builds":0,"level":"info","msg":"log","time":"2026-11-30T12:00:00Z"}'],
  ['JSON with a log and no stream', '{"log":"x\\n","time":"2026-11-30T12:00:00Z"}'],
  ['JSON without an end', '{"log":"x'],
  ['syslog', '2026-11-30T12:00:01Z host gitlab-runner[7]: text'],
  ['an engine whose time is none', '2026-99-30T12:00:01Z stderr F text'],
])('a line of %s is as it is', (_form, raw) => {
  expect(parseEngineLine(raw)).toBeUndefined();
});

test('the parts of a long line are one line, whatever the other stream writes between them', () => {
  const joiner = new EngineLineJoiner();
  const lines = [
    '2026-11-30T12:00:01Z stderr P one ',
    '2026-11-30T12:00:01Z stdout F other',
    '2026-11-30T12:00:02Z stderr P two ',
    '2026-11-30T12:00:03Z stderr F three',
  ].flatMap((raw) => parseEngineLine(raw) ?? []);
  const whole = lines.flatMap((line) => joiner.push(line) ?? []);

  expect(whole.map(({ text }) => text)).toEqual(['other', 'one two three']);
});

test('the file of an engine gives the events of the runner', async () => {
  const now = new Date().toISOString();
  const texts = [1, 2].map(() => `${now} stderr F ${TEXT}\n`).join('');
  await using root = await rootFolder({ '/ctr.log': texts });
  using open = watchLog({ kind: 'file', path: '/ctr.log' }, root.paths);

  const reading = await open.watch.read(AbortSignal.timeout(5000));

  expect(reading).toMatchObject({ state: 'reading', lines: 2, understoodLines: 2 });
  expect(reading.events).toMatchObject([{ kind: 'poll-failed', runner: 'abc12defg' }]);
});
