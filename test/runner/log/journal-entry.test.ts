import { describe, expect, test } from 'vitest';

import { parseJournalEntry } from '../../../src/runner/log/journal-entry.ts';

const AT = 1_795_510_800_123;

function entry(fields: Readonly<Record<string, unknown>>) {
  return parseJournalEntry(
    JSON.stringify({ __CURSOR: 's=1;i=2', __REALTIME_TIMESTAMP: `${AT}456`, ...fields }),
  );
}

describe('the message', () => {
  test.each([
    ['a text', 'hello', 'hello'],
    [
      'bytes, where it has colours',
      [...Buffer.from('\u001B[0;33mWARNING: ä')],
      '\u001B[0;33mWARNING: ä',
    ],
    ['null, where it was too long', null, ''],
    ['given twice', ['first', 'second'], 'first'],
    ['given twice in bytes', [[102, 111], 'x'], 'fo'],
    ['absent', undefined, ''],
  ])('is %s', (_how, MESSAGE, text) => {
    expect(entry({ MESSAGE })).toEqual({ cursor: 's=1;i=2', at: AT, text });
  });
});

const say = (MESSAGE_ID: string, fields = {}, _PID = '1') =>
  entry({ MESSAGE: 'x', MESSAGE_ID, _PID, ...fields })?.event;

describe('what systemd itself says', () => {
  test.each([
    [
      'd9b373ed55a64feb8242e02dbe79a49c',
      { UNIT_RESULT: 'exit-code' },
      { kind: 'exited', facts: { result: 'exit-code' } },
    ],
    [
      'd9b373ed55a64feb8242e02dbe79a49c',
      { UNIT_RESULT: 'oom-kill' },
      { kind: 'oom', cause: 'memory-oom-killed', facts: {} },
    ],
    [
      '98e322203f7a4ed290d09fe03c09fe15',
      { EXIT_CODE: 'exited', EXIT_STATUS: '1' },
      { kind: 'noted', facts: { code: 'exited', status: '1' } },
    ],
    [
      '5eb03494b6584870a536b337290809b3',
      { N_RESTARTS: '7' },
      { kind: 'restarting', facts: { restarts: 7 } },
    ],
    [
      'fe6faa94e7774663a0da52717891d8ef',
      {},
      { kind: 'oom', cause: 'memory-oom-killed', facts: {} },
    ],
    ['00000000000000000000000000000000', {}, undefined],
  ])('%s %j', (id, fields, event) => {
    expect(say(id, fields)).toEqual(event);
  });

  test('is believed of process 1 alone', () => {
    expect(say('fe6faa94e7774663a0da52717891d8ef', {}, '812')).toBeUndefined();
  });
});

test.each(['', '{', 'null', '[]', '{"MESSAGE":"x"}', '-- cursor: s=1'])(
  '%j is no entry',
  (line) => {
    expect(parseJournalEntry(line)).toBeUndefined();
  },
);
