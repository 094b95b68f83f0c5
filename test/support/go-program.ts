/** A program as Go 1.18 and newer link it, as far as its build information. */

const NAMES = Buffer.from('\0.shstrtab\0.go.buildinfo\0');

function withLength(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  return Buffer.concat([Buffer.from([(bytes.length & 0x7f) | 0x80, bytes.length >> 7]), bytes]);
}

export function buildInfo(version: string, settings: string): Buffer {
  const head = Buffer.alloc(32);
  head.write('\xff Go buildinf:', 'latin1');
  head[15] = 2;
  return Buffer.concat([head, withLength(version), withLength(settings)]);
}

function sectionHeader(nameAt: number, offset: number, length: number): Buffer {
  const bytes = Buffer.alloc(64);
  bytes.writeUInt32LE(nameAt, 0);
  bytes.writeBigUInt64LE(BigInt(offset), 24);
  bytes.writeBigUInt64LE(BigInt(length), 32);
  return bytes;
}

/** A 64-bit little-endian ELF file with three section headers. */
export function elf(section: Buffer, name = 11): Buffer {
  const header = Buffer.alloc(64);
  header.write('\x7fELF\x02\x01', 'latin1');
  const tableAt = 64 + NAMES.length + section.length;
  header.writeBigUInt64LE(BigInt(tableAt), 40);
  header.writeUInt16LE(64, 58);
  header.writeUInt16LE(3, 60);
  header.writeUInt16LE(1, 62);
  const headers = [
    sectionHeader(0, 0, 0),
    sectionHeader(1, 64, NAMES.length),
    sectionHeader(name, 64 + NAMES.length, section.length),
  ];
  return Buffer.concat([header, NAMES, section, ...headers]);
}
