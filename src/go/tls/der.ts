/** A reader for the DER forms that a certificate's extensions use. The bytes are well formed. */

export interface DerItem {
  /** The whole identifier octet; every tag of a certificate fits into one. */
  readonly tag: number;
  readonly body: Buffer;
  /** With identifier and length. */
  readonly whole: Buffer;
}

export const TAG = { boolean: 0x01, integer: 0x02, octets: 0x04, sequence: 0x30 } as const;

/** Tag `[number]` of a context, primitive or constructed. */
export function contextTag(number: number, isConstructed = false): number {
  return (isConstructed ? 0xa0 : 0x80) + number;
}

/** The consecutive items in `bytes`. Stops where the bytes are not DER. */
export function derItems(bytes: Buffer): readonly DerItem[] {
  const items: DerItem[] = [];
  let at = 0;
  while (at + 2 <= bytes.length) {
    const first = bytes.readUInt8(at + 1);
    const extra = first < 0x80 ? 0 : first - 0x80;
    if (extra > 4 || at + 2 + extra > bytes.length) return items;
    const length = extra === 0 ? first : bytes.readUIntBE(at + 2, extra);
    const start = at + 2 + extra;
    const end = start + length;
    if (end > bytes.length) return items;
    const tag = bytes.readUInt8(at);
    items.push({ tag, body: bytes.subarray(start, end), whole: bytes.subarray(at, end) });
    at = end;
  }
  return items;
}

/** `2.5.29.19` out of the body of an object identifier. */
export function oidText(body: Buffer): string {
  const parts: bigint[] = [];
  let value = 0n;
  for (const byte of body) {
    value = value * 128n + BigInt(byte % 128);
    if (byte < 128) {
      parts.push(value);
      value = 0n;
    }
  }
  const [first = 0n, ...rest] = parts;
  const top = first < 80n ? first / 40n : 2n;
  return [top, first - top * 40n, ...rest].join('.');
}
