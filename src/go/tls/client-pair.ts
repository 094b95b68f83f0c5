/**
 * Reads the runner's own certificate and key, when both exist:
 * docs/reference/runner-config.md#trust-and-identity-towards-gitlab.
 */
import type { KeyObject, X509Certificate } from 'node:crypto';
import { createPrivateKey } from 'node:crypto';

import { errnoText, isErrno } from '../../core/errno.ts';
import type { Paths } from '../../core/paths.ts';
import { certificatesOf } from './pem.ts';
import { readTextIn } from '../../host/fs/in-root.ts';

interface PairFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

export interface ClientPair {
  readonly client: { readonly certificate: X509Certificate } | { readonly problem: string };
  readonly pem?: { readonly certificate: string; readonly key: string };
}

/** Both files are needed; when one is missing, the runner uses no client certificate and logs nothing. */
export async function readClientPair(
  { certFile, keyFile }: PairFiles,
  paths: Paths,
  denied: ReadonlySet<string>,
): Promise<ClientPair | undefined> {
  if (denied.has(certFile) || denied.has(keyFile)) {
    const file = denied.has(keyFile) ? keyFile : certFile;
    return { client: { problem: `the runner's user has no permission to read ${file}` } };
  }
  try {
    const [certificate, key] = await Promise.all([
      readTextIn(paths, certFile, 'latin1'),
      readTextIn(paths, keyFile, 'latin1'),
    ]);
    const chain = certificatesOf(certificate);
    const [leaf] = chain;
    if (leaf === undefined) return { client: { problem: `no certificate in ${certFile}` } };
    const privateKey = keyOf(key);
    if (privateKey === undefined) return { client: { problem: `no key in ${keyFile}` } };
    if (!leaf.checkPrivateKey(privateKey)) {
      return { client: { problem: `${keyFile} does not match ${certFile}` } };
    }
    // Serialized again: OpenSSL rejects some of what Go skips.
    const pem = {
      certificate: chain.map((member) => member.toString()).join(''),
      key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    };
    return { client: { certificate: leaf }, pem };
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined;
    const code = errnoText(error);
    return { client: { problem: `${certFile} and ${keyFile} cannot be used: ${code}` } };
  }
}

/** Undefined for a text that is no key, or one behind a passphrase, which the runner cannot give either. */
function keyOf(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}
