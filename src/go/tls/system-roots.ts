/**
 * The roots that Go trusts on this host: the first readable bundle file plus every file of the certificate directories
 * (docs/reference/go-network.md#roots; Go: crypto/x509/root_unix.go), under the SSL_CERT_FILE and SSL_CERT_DIR of the
 * runner's process.
 */
import { join } from 'node:path';

import type { Paths } from '../../core/paths.ts';
import type { TrustSource } from '../../core/target.ts';
import { linkIn, namesIn, readTextIn, statIn } from '../../host/fs/in-root.ts';

const BUNDLE_FILES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/tls/cacert.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/cert.pem',
];
const DIRECTORIES = ['/etc/ssl/certs', '/etc/pki/tls/certs'];

/** Places that make up the system pool. */
export function systemRootPaths({ systemFile, systemDirectories }: TrustSource): {
  readonly files: readonly string[];
  readonly directories: readonly string[];
} {
  return {
    files: systemFile === undefined ? BUNDLE_FILES : [systemFile],
    directories: systemDirectories ?? DIRECTORIES,
  };
}

/** The text of every file that Go would read. Unreadable ones are skipped, as in Go. */
export async function readSystemRoots(
  source: TrustSource,
  paths: Paths,
): Promise<readonly string[]> {
  const { files, directories } = systemRootPaths(source);
  const bundle = await readFirstReadable(files, paths);
  const inDirectories = await Promise.all(
    directories.map(async (directory) => await readDirectory(directory, paths)),
  );
  return [...(bundle === undefined ? [] : [bundle]), ...inDirectories.flat()];
}

async function readFirstReadable(
  files: readonly string[],
  paths: Paths,
): Promise<string | undefined> {
  for (const file of files) {
    const text = await readText(file, paths);
    if (text !== undefined) return text;
  }
  return undefined;
}

async function readDirectory(directory: string, paths: Paths): Promise<readonly string[]> {
  const names = await namesIn(paths, directory).catch(() => []);
  const texts = await Promise.all(
    names.map(async (name) => {
      const path = join(directory, name);
      return (await isHashLink(path, paths)) ? undefined : await readText(path, paths);
    }),
  );
  return texts.filter((text) => text !== undefined);
}

/** A link to a name in the same directory (made by c_rehash) would give the same certificate twice. */
async function isHashLink(path: string, paths: Paths): Promise<boolean> {
  const target = await linkIn(paths, path).catch(() => undefined);
  return target !== undefined && !target.includes('/');
}

async function readText(path: string, paths: Paths): Promise<string | undefined> {
  return await readTextIn(paths, path, 'latin1').catch(() => undefined);
}

/**
 * Changes when a file or directory of the pool does, or a file in one of the directories: overwriting one
 * leaves its directory as it was.
 */
export async function systemStamp(source: TrustSource, paths: Paths): Promise<string> {
  const { files, directories } = systemRootPaths(source);
  const inside = await Promise.all(
    directories.map(async (directory) => {
      const names = await namesIn(paths, directory).catch(() => []);
      return names.map((name) => join(directory, name));
    }),
  );
  return await stampOf([...files, ...directories, ...inside.flat()], paths);
}

/**
 * Times, size and identity of each path, `-` where there is none. The time of change is among them since
 * `chmod` and `cp -p` leave the time of modification alone.
 */
export async function stampOf(files: readonly string[], paths: Paths): Promise<string> {
  const stamps = await Promise.all(
    files.map(async (file) => {
      const info = await statIn(paths, file).catch(() => undefined);
      return info === undefined ? '-' : `${info.mtimeMs}:${info.ctimeMs}:${info.size}:${info.ino}`;
    }),
  );
  return stamps.join(' ');
}
