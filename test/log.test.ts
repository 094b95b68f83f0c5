/** The log: one line per call, in logfmt or JSON, written by pino, with nothing of a secret in it. */
import { expect, test } from 'vitest';

import { Secret } from '../src/core/secret.ts';
import type { LogFormat } from '../src/log.ts';
import { createLog } from '../src/log.ts';

function linesOf(format: LogFormat, data: Readonly<Record<string, unknown>>): readonly string[] {
  const lines: string[] = [];
  const log = createLog({ level: 'info', format, sink: { write: (line) => lines.push(line) } });
  log.debug(data, 'below the level');
  log.warn(data, 'cause appeared');
  return lines;
}

const DATA = {
  cause: 'tls-certificate-expired',
  text: 'a "quoted" text\nof two lines',
  count: 3,
  list: ['a', 'b'],
  empty: '',
  absent: undefined,
};

test('logfmt quotes what would break a line, and leaves out what is not there', () => {
  const [line, ...others] = linesOf('logfmt', DATA);

  expect(others).toEqual([]);
  expect(line).toMatch(/^ts=\d{4}-\d\d-\d\dT[\d:.]+Z level=warn msg="cause appeared" /);
  expect(line?.slice(line.indexOf('cause='))).toBe(
    String.raw`cause=tls-certificate-expired text="a \"quoted\" text\nof two lines" count=3 list="[\"a\",\"b\"]" empty=""` +
      '\n',
  );
});

test('JSON has the same values', () => {
  const [line = ''] = linesOf('json', DATA);
  const { ts, ...values } = JSON.parse(line) as Record<string, unknown>;
  const { absent, ...written } = DATA;

  expect(absent).toBeUndefined();
  expect(Date.parse(String(ts))).not.toBeNaN();
  expect(values).toEqual({ level: 'warn', msg: 'cause appeared', ...written });
});

test.each(['logfmt', 'json'] as const)('a secret is hidden in %s', (format) => {
  const lines = linesOf(format, {
    token: new Secret('glrt-canary'),
    deep: [new Secret('glrt-canary')],
  });

  expect(lines.join('')).not.toContain('canary');
  expect(lines.join('')).toContain('[hidden]');
});
