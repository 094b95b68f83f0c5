/**
 * Reads the build information of a Go program: the section `.go.buildinfo` of an ELF file, as Go 1.18 and newer write it.
 * Only the headers and that section are read.
 */
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';

import { deadlineOf, withSignal } from '../../core/abort.ts';
import type { GoBuild } from '../../core/go-build.ts';
import { parseGodebug } from '../../core/go-build.ts';

const MAX_SECTIONS = 200;
const MAX_SECTION_BYTES = 256 * 1024;
const SECTION_NAME = '.go.buildinfo';
const MAGIC = Buffer.from('\xff Go buildinf:', 'latin1');
const HAS_INLINE_TEXT = 2;
const TOML_LIBRARY = /^dep\tgithub\.com\/BurntSushi\/toml\t(?<value>v[\d.]+)/m;
const STEPS_LIBRARY = /^dep\tgitlab\.com\/gitlab-org\/step-runner\t(?<value>v[\d.]+)/m;
const RELEASE = /^build\t-ldflags=.*\/gitlab-runner\/common\.VERSION=(?<value>\d+\.\d+[\d.]*)/m;
const FLAGS_AT = 15;
const TEXT_AT = 32;

const MAX_KNOWN = 50;
const WAIT_SECONDS = 2;
const known = new Map<string, Promise<GoBuild | undefined>>();

/**
 * The same, read once: a program on a file system that hangs costs one read. `life`: which process, or which content of the
 * file it is.
 */
export async function goBuildOf(path: string, life: string): Promise<GoBuild | undefined> {
  const key = `${path} ${life}`;
  const reading = known.get(key) ?? readGoBuild(path);
  if (known.size >= MAX_KNOWN && !known.has(key)) known.clear();
  known.set(key, reading);
  using deadline = deadlineOf(WAIT_SECONDS);
  return await withSignal(reading, deadline.signal).catch(() => undefined);
}

/** Undefined for a file that cannot be read, or that has none. */
export async function readGoBuild(path: string): Promise<GoBuild | undefined> {
  try {
    await using file = await open(path);
    const section = await findSection(file);
    return section && parseBuildInfo(section);
  } catch {
    return undefined;
  }
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}

/** Reads numbers of either word size and byte order. */
class Elf {
  readonly is64: boolean;
  readonly #isLittle: boolean;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer, ident: Buffer) {
    this.#bytes = bytes;
    this.is64 = ident[4] === 2;
    this.#isLittle = ident[5] === 1;
  }

  half(at: number): number {
    return this.#isLittle ? this.#bytes.readUInt16LE(at) : this.#bytes.readUInt16BE(at);
  }

  int(at: number): number {
    return this.#isLittle ? this.#bytes.readUInt32LE(at) : this.#bytes.readUInt32BE(at);
  }

  word(at: number): number {
    if (!this.is64) return this.int(at);
    return Number(
      this.#isLittle ? this.#bytes.readBigUInt64LE(at) : this.#bytes.readBigUInt64BE(at),
    );
  }
}

const HEADER_BYTES = 64;

async function findSection(file: FileHandle): Promise<Buffer | undefined> {
  const ident = await readAt(file, 0, HEADER_BYTES);
  if (ident.length < HEADER_BYTES || ident.toString('latin1', 1, 4) !== 'ELF') return undefined;
  const header = new Elf(ident, ident);
  const { is64 } = header;
  const size = header.half(is64 ? 58 : 46);
  const count = Math.min(header.half(is64 ? 60 : 48), MAX_SECTIONS);
  const namesIndex = header.half(is64 ? 62 : 50);
  const table = new Elf(await readAt(file, header.word(is64 ? 40 : 32), size * count), ident);
  const placeOf = (index: number) => ({
    name: table.int(index * size),
    offset: table.word(index * size + (is64 ? 24 : 16)),
    length: Math.min(table.word(index * size + (is64 ? 32 : 20)), MAX_SECTION_BYTES),
  });
  const { offset, length } = placeOf(namesIndex);
  const names = (await readAt(file, offset, length)).toString('latin1');
  const sections = Array.from({ length: count }, (_none, index) => placeOf(index));
  const found = sections.find(({ name }) => names.startsWith(`${SECTION_NAME}\0`, name));
  return found && (await readAt(file, found.offset, found.length));
}

function parseBuildInfo(section: Buffer): GoBuild | undefined {
  const isKnown = section.subarray(0, MAGIC.length).equals(MAGIC);
  if (!isKnown || ((section[FLAGS_AT] ?? 0) & HAS_INLINE_TEXT) === 0) return undefined;
  const [text, next] = readText(section, TEXT_AT);
  const [settings] = readText(section, next);
  const minor = valueOf(/^go1\.(?<value>\d+)/, text);
  if (minor === undefined) return undefined;
  const defaults = valueOf(/^build\tDefaultGODEBUG=(?<value>\S*)$/m, settings) ?? '';
  const toml = valueOf(TOML_LIBRARY, settings);
  const steps = valueOf(STEPS_LIBRARY, settings);
  const release = valueOf(RELEASE, settings);
  return {
    text,
    minor: Number(minor),
    defaults: parseGodebug(defaults),
    ...(toml === undefined ? {} : { toml }),
    ...(steps === undefined ? {} : { steps }),
    ...(release === undefined ? {} : { release }),
  };
}

function valueOf(pattern: RegExp, text: string): string | undefined {
  return pattern.exec(text)?.groups?.['value'];
}

/** A text behind its length, and where it ends. */
function readText(bytes: Buffer, start: number): readonly [string, number] {
  let length = 0;
  let at = start;
  for (let shift = 1; at < bytes.length; shift *= 128, at += 1) {
    const part = bytes[at] ?? 0;
    length += (part & 0x7f) * shift;
    if (part < 0x80) break;
  }
  const end = at + 1 + length;
  return [bytes.toString('latin1', at + 1, end), end];
}
