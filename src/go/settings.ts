/**
 * What Go's standard library does in the runner's process: by the toolchain that built it, by the defaults that its go.mod chose, and by
 * GODEBUG of the process, which counts most (docs/reference/go-network.md#versions-and-godebug).
 */
import { parseGodebug } from '../core/go-build.ts';
import type { RunnerProgram } from '../core/reading.ts';

export interface GoSettings {
  /** Key exchange by RSA in TLS 1.2. */
  readonly rsaKeyExchange: boolean;
  readonly tripleDes: boolean;
  /** Signatures with SHA-1 in a handshake. */
  readonly sha1Handshakes: boolean;
  readonly sha1Certificates: boolean;
  readonly negativeSerials: boolean;
  /** RSA keys below 1024 bits. */
  readonly smallRsaKeys: boolean;
  readonly maxRsaBits: number;
  /** Groups of ML-KEM: none, X25519MLKEM768, or those with P-256 and P-384 too. */
  readonly mlkem: 'none' | 'x25519' | 'all';
  /** An empty Content-Length is read as none. */
  readonly emptyLengths: boolean;
  /** The last of several colons in a host begins the port. */
  readonly severalColons: boolean;
  /** Queries to name servers announce EDNS. */
  readonly edns: boolean;
}

/** Of a runner whose program cannot be read: the newest one. */
const NEWEST = 26;
const MAX_RSA_BITS = 8192;

export const NEWEST_GO: GoSettings = settingsOf(NEWEST, {});

export function goSettingsOf(program: RunnerProgram | undefined): GoSettings {
  const { go, environment } = program ?? {};
  const own = parseGodebug(environment?.['GODEBUG'] ?? '');
  return settingsOf(go?.minor ?? NEWEST, { ...go?.defaults, ...own });
}

function settingsOf(minor: number, godebug: Readonly<Record<string, string>>): GoSettings {
  /** Before that version of Go it was so in any case, since then only by this value. */
  const isOld = (since: number, name: string, value: string): boolean =>
    minor < since || godebug[name] === value;
  const rsaBits = Number(godebug['tlsmaxrsasize']);
  return {
    rsaKeyExchange: isOld(22, 'tlsrsakex', '1'),
    tripleDes: isOld(23, 'tls3des', '1'),
    sha1Handshakes: isOld(25, 'tlssha1', '1'),
    // Removed in 1.24.
    sha1Certificates: minor < 24 && godebug['x509sha1'] === '1',
    negativeSerials: isOld(23, 'x509negativeserial', '1'),
    smallRsaKeys: isOld(24, 'rsa1024min', '0'),
    maxRsaBits: rsaBits > 0 ? rsaBits : MAX_RSA_BITS,
    mlkem: mlkemOf(minor, godebug),
    emptyLengths: isOld(22, 'httplaxcontentlength', '1'),
    severalColons: isOld(26, 'urlstrictcolons', '0'),
    // Since 1.21.12 and 1.22.5.
    edns: minor < 21 || godebug['netedns0'] !== '0',
  };
}

/** Go 1.23 offered a draft of the first group, with a first message of the same size. */
function mlkemOf(minor: number, godebug: Readonly<Record<string, string>>): GoSettings['mlkem'] {
  if (minor < 23 || (minor === 23 && godebug['tlskyber'] === '0')) return 'none';
  if (minor > 23 && godebug['tlsmlkem'] === '0') return 'none';
  return minor < 26 || godebug['tlssecpmlkem'] === '0' ? 'x25519' : 'all';
}
