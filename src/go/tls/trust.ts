/**
 * What the runner trusts, and the client certificate that it sends: system roots, plus `tls-ca-file` or
 * `certs/<host>.crt`, plus the client pair (docs/reference/runner-config.md#trust-and-identity-towards-gitlab).
 * Rebuilt only when one of these files has changed: reading the roots for every walk would cost more than the walk.
 */
import type { X509Certificate } from 'node:crypto';
import type { SecureContext } from 'node:tls';
import { createSecureContext } from 'node:tls';

import { isErrno } from '../../core/errno.ts';
import type { Paths } from '../../core/paths.ts';
import type { RunnerProcess, RunnerProgram } from '../../core/reading.ts';
import { credentialsOf } from '../../core/reading.ts';
import type { TrustSource } from '../../core/target.ts';
import { createReadCheck } from '../../host/fs/rights.ts';
import type { GoSettings } from '../settings.ts';
import { goSettingsOf, NEWEST_GO } from '../settings.ts';
import type { ClientPair } from './client-pair.ts';
import { readClientPair } from './client-pair.ts';
import { certificatesOf } from './pem.ts';
import { readSystemRoots, stampOf, systemStamp } from './system-roots.ts';
import { readTextIn } from '../../host/fs/in-root.ts';

/** The suites that every Go offers for TLS 1.2 by default; TLS 1.3 has its own three. */
const GO_CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-SHA',
  'ECDHE-RSA-AES128-SHA',
  'ECDHE-ECDSA-AES256-SHA',
  'ECDHE-RSA-AES256-SHA',
];
const RSA_CIPHERS = ['AES128-GCM-SHA256', 'AES256-GCM-SHA384', 'AES128-SHA', 'AES256-SHA'];
// RSA of 1024 bits passes in Go; what is weaker is refused by our own verification.
const ANY_STRENGTH = '@SECLEVEL=0';

/** A star marks the groups whose key share goes with the first message. */
const GO_GROUPS: Readonly<Record<GoSettings['mlkem'], string>> = {
  all: '*X25519MLKEM768:SecP256r1MLKEM768:SecP384r1MLKEM1024:*X25519:P-256:P-384:P-521',
  x25519: '*X25519MLKEM768:*X25519:P-256:P-384:P-521',
  none: '*X25519:P-256:P-384:P-521',
};

/** Never those of RSA-PSS keys. */
const GO_SIGNATURES = [
  'rsa_pss_rsae_sha256',
  'ecdsa_secp256r1_sha256',
  'ed25519',
  'rsa_pss_rsae_sha384',
  'rsa_pss_rsae_sha512',
  'rsa_pkcs1_sha256',
  'rsa_pkcs1_sha384',
  'rsa_pkcs1_sha512',
  'ecdsa_secp384r1_sha384',
  'ecdsa_secp521r1_sha512',
];
const SHA1_SIGNATURES = ['rsa_pkcs1_sha1', 'ecdsa_sha1'];

/** What the runner's process offers; 3DES is not in Node's OpenSSL. */
function offerOf(go: GoSettings) {
  return {
    ciphers: [...GO_CIPHERS, ...(go.rsaKeyExchange ? RSA_CIPHERS : []), ANY_STRENGTH].join(':'),
    ecdhCurve: GO_GROUPS[go.mlkem],
    sigalgs: [...GO_SIGNATURES, ...(go.sha1Handshakes ? SHA1_SIGNATURES : [])].join(':'),
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.3',
  } as const;
}

/** What became of the custom CA file. */
export type CaFileState = 'none' | 'used' | 'missing' | 'unreadable' | 'invalid';

export interface CaFile {
  readonly state: CaFileState;
  readonly path: string;
  /** True when config.toml names it, false when it is the default path in the certs folder. */
  readonly isConfigured: boolean;
  readonly certificates: readonly X509Certificate[];
}

export interface Trust {
  /** Every certificate in the pool is an anchor. */
  readonly anchors: readonly X509Certificate[];
  readonly caFile: CaFile;
  readonly client: ClientPair['client'] | undefined;
  /** Where its certificate lies, or would. */
  readonly clientFile: string;
  /** What SSL_CERT_FILE puts in the place of the system's bundle. */
  readonly systemFile?: string;
  /** Of the process whose trust it is. */
  readonly go: GoSettings;
  readonly context: SecureContext;
  /** When a file involved was last changed, by the file system's own time of change. */
  readonly changedAt?: number;
}

/** The newest of the times of change in a stamp. */
function lastChangeOf(stamp: string): { readonly changedAt?: number } {
  const times = [...stamp.matchAll(/[\d.]+:(?<changed>[\d.]+):\d+:\d+/g)].map(({ groups }) =>
    Number(groups?.['changed']),
  );
  return times.length === 0 ? {} : { changedAt: Math.max(...times) };
}

/** The runner, as far as its trust depends on it. */
export interface TrustReader {
  /** Whether its user may not read a file that this process may read. */
  readonly isDenied: (path: string) => Promise<boolean>;
  readonly go: GoSettings;
}

export function trustReaderOf(runner: {
  readonly process: RunnerProcess | undefined;
  readonly program?: RunnerProgram | undefined;
  readonly paths: Paths;
}): TrustReader {
  const { process, program, paths } = runner;
  return {
    isDenied: createReadCheck(credentialsOf(process), paths),
    go: goSettingsOf(process ?? program),
  };
}

const ANYONE: TrustReader = { isDenied: async () => false, go: NEWEST_GO };

export class TrustStore {
  readonly #system = new Map<string, { stamp: string; anchors: readonly X509Certificate[] }>();
  readonly #trust = new Map<string, { stamp: string; trust: Trust }>();

  /**
   * `host` is the host of the runner's `url`; its certs files have that name.
   */
  async load(
    source: TrustSource,
    host: string,
    paths: Paths,
    { isDenied, go }: TrustReader = ANYONE,
  ): Promise<Trust> {
    const files = filesOf(source, host);
    const denied = await findDenied(Object.values(files), isDenied);
    const stamp = [
      await systemStamp(source, paths),
      await stampOf(Object.values(files), paths),
      ...denied,
    ].join(' ');
    const key = JSON.stringify([paths, files, go, source.systemFile, source.systemDirectories]);
    const cached = this.#trust.get(key);
    if (cached?.stamp === stamp) return cached.trust;
    const built = await this.#build(source, { files, paths, denied, go });
    const trust = { ...built, ...lastChangeOf(stamp) };
    this.#trust.set(key, { stamp, trust });
    return trust;
  }

  async #build(source: TrustSource, { files, paths, denied, go }: BuildRequest): Promise<Trust> {
    const [system, caFile, pair] = await Promise.all([
      this.#systemAnchors(source, paths, go),
      denied.has(files.caFile)
        ? unreadableCaFile(files.caFile, source.caFile !== undefined)
        : readCaFile(files.caFile, source.caFile !== undefined, paths, go),
      readClientPair(files, paths, denied),
    ]);
    return {
      anchors: [...system, ...caFile.certificates],
      caFile,
      client: pair?.client,
      go,
      clientFile: files.certFile,
      ...(source.systemFile === undefined ? {} : { systemFile: source.systemFile }),
      // No roots are given: the handshake accepts any chain and verify.ts judges it.
      context: createSecureContext({
        ...offerOf(go),
        ca: [],
        ...(pair?.pem === undefined ? {} : { cert: pair.pem.certificate, key: pair.pem.key }),
      }),
    };
  }

  async #systemAnchors(
    source: TrustSource,
    paths: Paths,
    go: GoSettings,
  ): Promise<readonly X509Certificate[]> {
    const key = JSON.stringify([paths, go, source.systemFile, source.systemDirectories]);
    const stamp = await systemStamp(source, paths);
    const cached = this.#system.get(key);
    if (cached?.stamp === stamp) return cached.anchors;
    const texts = await readSystemRoots(source, paths);
    const unique = new Map(
      texts.flatMap((text) => certificatesOf(text, go)).map((item) => [item.fingerprint256, item]),
    );
    const anchors = [...unique.values()];
    this.#system.set(key, { stamp, anchors });
    return anchors;
  }
}

async function findDenied(
  files: readonly string[],
  isDenied: TrustReader['isDenied'],
): Promise<ReadonlySet<string>> {
  const answers = await Promise.all(files.map((file) => isDenied(file)));
  return new Set(files.filter((_file, index) => answers[index]));
}

interface BuildRequest {
  readonly files: TrustFiles;
  readonly paths: Paths;
  readonly denied: ReadonlySet<string>;
  readonly go: GoSettings;
}

interface TrustFiles {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

function filesOf(source: TrustSource, host: string): TrustFiles {
  return {
    caFile: source.caFile ?? certsFile(source, host, 'crt'),
    certFile: source.certFile ?? certsFile(source, host, 'auth.crt'),
    keyFile: source.keyFile ?? certsFile(source, host, 'auth.key'),
  };
}

/** The runner cuts the host at its first colon, so for `[2001:db8::1]` it reads `[2001.crt`. */
export function certsFile(
  { certsDirectory, certsHost }: TrustSource,
  host: string,
  ending: string,
): string {
  const spelt = certsHost ?? host;
  const name = spelt.includes(':') ? `[${spelt.slice(0, spelt.indexOf(':'))}` : spelt;
  return `${certsDirectory}/${name}.${ending}`;
}

function unreadableCaFile(path: string, isConfigured: boolean): CaFile {
  return { state: 'unreadable', path, isConfigured, certificates: [] };
}

async function readCaFile(
  path: string,
  isConfigured: boolean,
  paths: Paths,
  go: GoSettings,
): Promise<CaFile> {
  try {
    const certificates = certificatesOf(await readTextIn(paths, path, 'latin1'), go);
    const state = certificates.length === 0 ? 'invalid' : 'used';
    return { state, path, isConfigured, certificates };
  } catch (error) {
    const isMissing = isErrno(error, 'ENOENT', 'ENOTDIR');
    const absent = isConfigured ? 'missing' : 'none';
    return { state: isMissing ? absent : 'unreadable', path, isConfigured, certificates: [] };
  }
}

/** The one trust store of the program: tls, proxy and alternate-path read the same files, and read them once. */
export const SHARED_TRUST = new TrustStore();
