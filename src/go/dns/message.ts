/**
 * DNS queries and replies as bytes (RFC 1035, EDNS of RFC 6891), checked as Go's resolver checks them (Go:
 * net/dnsclient_unix.go, newRequest, checkResponse and checkHeader).
 */
import { isIPv6 } from 'node:net';

import type { RecordType, Verdict } from '../../core/lookup.ts';
import { canonicalAddress } from './address-order.ts';

const TYPES: Readonly<Record<RecordType, number>> = { A: 1, AAAA: 28 };
const OPT = 41;
const INTERNET = 1;
const HEADER_BYTES = 12;
/** The end of the name, type and class. */
const END_BYTES = 5;
const OPT_BYTES = 11;
/** The UDP payload size that Go announces. */
const UDP_BYTES = 1232;

/** `name` is a domain name by `isDomainName`, without its trailing dot. */
export function questionBytes(id: number, name: string, type: RecordType, edns = true): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(id, 0);
  header.writeUInt16BE(0x01_00, 2); // recursion desired
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(edns ? 1 : 0, 10);
  const labels = name
    .split('.')
    .map((label) => Buffer.from(`${String.fromCodePoint(label.length)}${label}`, 'latin1'));
  const tail = Buffer.alloc(END_BYTES + (edns ? OPT_BYTES : 0));
  tail.writeUInt16BE(TYPES[type], 1);
  tail.writeUInt16BE(INTERNET, 3);
  if (edns) {
    tail.writeUInt16BE(OPT, 6);
    tail.writeUInt16BE(UDP_BYTES, 8);
  }
  return Buffer.concat([header, ...labels, tail]);
}

export interface Reply {
  readonly verdict: Verdict;
  readonly isTruncated: boolean;
  readonly addresses: readonly string[];
}

const RCODES: Readonly<Record<number, Verdict>> = { 2: 'servfail', 3: 'nxdomain', 5: 'refused' };

/** Undefined when these bytes do not answer this query: over UDP the wait continues, as in Go. */
export function readReply(
  bytes: Buffer,
  question: { readonly id: number; readonly name: string; readonly type: RecordType },
): Reply | undefined {
  try {
    const reader = new Reader(bytes);
    const [id, flags, questions, ...counts] = reader.numbers(6);
    if (id !== question.id || flags === undefined || (flags & 0x80_00) === 0) return undefined;
    if (questions !== 1 || reader.name().toLowerCase() !== question.name.toLowerCase()) {
      return undefined;
    }
    const [type, kind] = reader.numbers(2);
    if (type !== TYPES[question.type] || kind !== INTERNET) return undefined;
    return judgeReply(reader, flags, counts, question.type);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function judgeReply(
  reader: Reader,
  flags: number,
  [answers = 0, authorities = 0, additionals = 0]: readonly number[],
  type: RecordType,
): Reply {
  const isTruncated = (flags & 0x02_00) !== 0;
  try {
    const records = reader.records(answers);
    reader.records(authorities);
    const option = reader.records(additionals).find((record) => record.type === OPT);
    const code = codeOf(flags, option);
    const addresses = records.flatMap(({ address }) => address ?? []);
    const hasType = records.some((record) => record.type === TYPES[type]);
    // An empty reply, neither authoritative nor recursive: libresolv asks the next server, and so does Go.
    const isReferral = (flags & 0x04_80) === 0 && answers + additionals === 0;
    const verdict = code === 0 && isReferral ? 'lame' : verdictOf(code, hasType);
    return { verdict, isTruncated, addresses: verdict === 'answer' ? addresses : [] };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { verdict: 'malformed', isTruncated, addresses: [] };
  }
}

/** The upper bits of the code are in the EDNS record, where there is one. */
function codeOf(flags: number, option: Item | undefined): number {
  return (flags & 0x0f) | (((option?.ttl ?? 0) >>> 24) << 4);
}

function verdictOf(code: number, hasType: boolean): Verdict {
  if (code === 0) return hasType ? 'answer' : 'nodata';
  return RCODES[code] ?? 'misbehaving';
}

interface Item {
  readonly type: number;
  readonly ttl: number;
  readonly address: string | undefined;
}

/** Walks over a message; reading past its end is a RangeError of the buffer. */
class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  numbers(count: number): readonly number[] {
    return Array.from({ length: count }, () => {
      const number = this.#bytes.readUInt16BE(this.#at);
      this.#at += 2;
      return number;
    });
  }

  name(): string {
    const labels: string[] = [];
    for (;;) {
      const length = this.#bytes.readUInt8(this.#at);
      if (length >= 0xc0) {
        this.#at += 2; // the rest is elsewhere and is not needed
        return labels.join('.');
      }
      const end = this.#at + 1 + length;
      if (end > this.#bytes.length) throw new RangeError('a label ends after the message');
      labels.push(this.#bytes.toString('latin1', this.#at + 1, end));
      this.#at = end;
      if (length === 0) return labels.slice(0, -1).join('.');
    }
  }

  records(count: number): readonly Item[] {
    return Array.from({ length: count }, () => {
      this.name();
      const [type = 0] = this.numbers(2);
      const ttl = this.#bytes.readUInt32BE(this.#at);
      const length = this.#bytes.readUInt16BE(this.#at + 4);
      const start = this.#at + 6;
      this.#at = start + length;
      if (this.#at > this.#bytes.length) throw new RangeError('a record ends after the message');
      return { type, ttl, address: addressOf(type, this.#bytes.subarray(start, this.#at)) };
    });
  }
}

function addressOf(type: number, data: Buffer): string | undefined {
  if (type === TYPES.A && data.length === 4) return data.join('.');
  if (type !== TYPES.AAAA || data.length !== 16) return undefined;
  const groups = Array.from({ length: 8 }, (_, index) => data.readUInt16BE(index * 2).toString(16));
  const text = groups.join(':');
  return isIPv6(text) ? canonicalAddress(text) : undefined;
}
