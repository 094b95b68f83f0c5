/** Which certificates Go accepts: the protocol of the server. Each row was tried with a real Go 1.26 client. */
import type { TlsOptions } from 'node:tls';

import type { AcceptanceCase } from './acceptance-case.ts';
import { leafWith, trusted } from './acceptance-case.ts';
import { rsaKeys } from './certificates.ts';

const rsaLeaf = leafWith({ keys: rsaKeys(2048) });

function limited(row: string, want: AcceptanceCase['want'], server: TlsOptions): AcceptanceCase {
  return { row, chain: rsaLeaf, trusted, server, want };
}

function suite(name: string, over: TlsOptions = {}): TlsOptions {
  return { maxVersion: 'TLSv1.2', ciphers: `${name}:@SECLEVEL=0`, ...over };
}

export const PROTOCOL_CASES: readonly AcceptanceCase[] = [
  limited('TLS 1.3', 'accepted', { minVersion: 'TLSv1.3' }),
  limited('TLS 1.2', 'accepted', { maxVersion: 'TLSv1.2' }),
  limited('TLS 1.1 only', 'protocol-unsupported', { minVersion: 'TLSv1', maxVersion: 'TLSv1.1' }),
  limited('TLS 1.0 only', 'protocol-unsupported', { minVersion: 'TLSv1', maxVersion: 'TLSv1' }),
  limited('RSA key exchange only', 'protocol-unsupported', suite('AES128-GCM-SHA256')),
  limited(
    'DHE only',
    'protocol-unsupported',
    suite('DHE-RSA-AES128-GCM-SHA256', { dhparam: 'auto' }),
  ),
  limited('ECDHE-CBC-SHA256 only', 'protocol-unsupported', suite('ECDHE-RSA-AES128-SHA256')),
  limited('ECDHE-CBC-SHA384 only', 'protocol-unsupported', suite('ECDHE-RSA-AES256-SHA384')),
  limited('ECDHE-AES-CBC-SHA1', 'accepted', suite('ECDHE-RSA-AES128-SHA')),
  limited('ChaCha20', 'accepted', suite('ECDHE-RSA-CHACHA20-POLY1305')),
  limited('P-521 only', 'accepted', { ecdhCurve: 'P-521' }),
  limited('X448 only', 'protocol-unsupported', { ecdhCurve: 'X448' }),
  limited(
    'handshake signed with SHA-1 only',
    'protocol-unsupported',
    suite('ECDHE-RSA-AES128-GCM-SHA256', { sigalgs: 'RSA+SHA1' }),
  ),
];
