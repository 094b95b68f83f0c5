import { decode, encode } from 'dns-packet';
import { describe, expect, test } from 'vitest';

import { questionBytes, readReply } from '../../../src/go/dns/message.ts';

const QUESTION = { id: 7, name: 'gitlab.test', type: 'A' } as const;
const ASKED = { name: 'gitlab.test', type: 'A' } as const;
const FLAGS = 0x180;

type Packet = Parameters<typeof encode>[0];

function reply(over: Packet = {}): Buffer {
  return encode({ type: 'response', id: 7, flags: FLAGS, questions: [ASKED], ...over });
}

test('a question is what another implementation reads as one, with EDNS as Go announces it', () => {
  expect(decode(questionBytes(7, 'gitlab.test', 'AAAA'))).toMatchObject({
    id: 7,
    type: 'query',
    flag_rd: true,
    questions: [{ name: 'gitlab.test', type: 'AAAA', class: 'IN' }],
    additionals: [{ type: 'OPT', udpPayloadSize: 1232 }],
  });
});

test('and without EDNS where the process has switched it off', () => {
  const { questions, additionals } = decode(questionBytes(7, 'gitlab.test', 'A', false));

  expect([questions, additionals]).toEqual([[{ name: 'gitlab.test', type: 'A', class: 'IN' }], []]);
});

describe('no answer to this question is', () => {
  test.each([
    ['another number', reply({ id: 8 })],
    ['another name', reply({ questions: [{ name: 'other.test', type: 'A' }] })],
    ['another type', reply({ questions: [{ name: 'gitlab.test', type: 'AAAA' }] })],
    ['no question', reply({ questions: [] })],
    ['a question', encode({ type: 'query', id: 7, questions: [ASKED] })],
    ['a message cut off in its question', reply().subarray(0, 20)],
    ['a message cut off in its header', reply().subarray(0, 5)],
    ['nothing', Buffer.alloc(0)],
  ])('%s', (_name, bytes) => {
    expect(readReply(bytes, QUESTION)).toBeUndefined();
  });
});

const record = { name: 'gitlab.test', type: 'A', data: '10.0.0.5' } as const;

describe('a reply is judged as Go judges it', () => {
  test.each<[string, Buffer, string, readonly string[]]>([
    ['addresses', reply({ answers: [record] }), 'answer', ['10.0.0.5']],
    [
      'any letter case',
      reply({ questions: [{ name: 'GitLab.TEST', type: 'A' }], answers: [record] }),
      'answer',
      ['10.0.0.5'],
    ],
    [
      'an alias and its address',
      reply({
        answers: [
          { name: 'gitlab.test', type: 'CNAME', data: 'web.test' },
          { ...record, name: 'web.test' },
        ],
      }),
      'answer',
      ['10.0.0.5'],
    ],
    [
      'an alias to nowhere',
      reply({ answers: [{ name: 'gitlab.test', type: 'CNAME', data: 'web.test' }] }),
      'nodata',
      [],
    ],
    ['nothing', reply(), 'nodata', []],
    ['nothing, by one that knows', reply({ flags: 0x400 }), 'nodata', []],
    ['nothing, by one that neither knows nor asks', reply({ flags: 0 }), 'lame', []],
    ['no such name', reply({ flags: FLAGS | 3 }), 'nxdomain', []],
    ['a failure', reply({ flags: FLAGS | 2 }), 'servfail', []],
    ['a refusal', reply({ flags: FLAGS | 5 }), 'refused', []],
    ['a format error', reply({ flags: FLAGS | 1 }), 'misbehaving', []],
    ['an address cut off', reply({ answers: [record] }).subarray(0, -2), 'malformed', []],
  ])('%s', (_name, bytes, verdict, addresses) => {
    expect(readReply(bytes, QUESTION)).toEqual({ verdict, isTruncated: false, addresses });
  });

  test('a code whose upper bits are in the EDNS record', () => {
    const option = {
      name: '.',
      type: 'OPT' as const,
      extendedRcode: 1,
      udpPayloadSize: 1232,
      flags: 0,
      ednsVersion: 0,
      flag_do: false,
      options: [],
    };
    const bytes = reply({ additionals: [option] });
    expect(readReply(bytes, QUESTION)?.verdict).toBe('misbehaving');
  });

  test('the flag that it was cut short', () => {
    expect(readReply(reply({ flags: FLAGS | 0x200 }), QUESTION)?.isTruncated).toBe(true);
  });
});
