/** What the writer of a key meant by it, whether or not the runner knows the key. */

/** Trust in the authority of GitLab's certificate, or verification turned off. */
export type KeyPurpose = 'authority' | 'verification';

/** The last part of `tls_ca_file`, `ca-file`, `cacert`. */
const AUTHORITY = /(?:^|[-_.])ca[-_]?(?:file|path|bundle|certs?|certificates?)?$/i;
const VERIFICATION = /verify|insecure/i;

/** `key`: its path, as `runners.docker.tls_verify`. */
export function purposeOfKey(key: string): KeyPurpose | undefined {
  if (AUTHORITY.test(key)) return 'authority';
  return VERIFICATION.test(key) ? 'verification' : undefined;
}
