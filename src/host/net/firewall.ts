/**
 * The rules of this host's own firewall, by one `nft` without a shell, ended at its deadline. Rules that were
 * made with iptables-nft are among them.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { isErrno } from '../../core/errno.ts';

const MOST_BYTES = 16 * 1024 * 1024;

export type RulesetReading =
  | { readonly kind: 'rules'; readonly json: string }
  /** No program that could tell; most likely no rules either. */
  | { readonly kind: 'no-program' }
  | { readonly kind: 'not-allowed' };

/** Never rejects. Needs CAP_NET_ADMIN. */
export async function readRuleset(signal: AbortSignal): Promise<RulesetReading> {
  for (const program of ['/usr/sbin/nft', '/sbin/nft', '/usr/local/sbin/nft']) {
    try {
      const { stdout } = await promisify(execFile)(program, ['--json', 'list', 'ruleset'], {
        signal,
        killSignal: 'SIGKILL',
        maxBuffer: MOST_BYTES,
      });
      return { kind: 'rules', json: stdout };
    } catch (error) {
      if (!isErrno(error, 'ENOENT')) return { kind: 'not-allowed' };
    }
  }
  return { kind: 'no-program' };
}
