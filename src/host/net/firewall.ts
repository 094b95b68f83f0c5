/** The rules of this host's own firewall, read by one `nft`. They include the rules made with iptables-nft. */
import { isErrno } from '../../core/errno.ts';
import { boundedChild } from '../child-process.ts';

const MAX_BYTES = 16 * 1024 * 1024;

const nft = boundedChild();

export type RulesetReading =
  | { readonly kind: 'rules'; readonly json: string }
  /** There is no nft; most likely there are no rules either. */
  | { readonly kind: 'no-program' }
  | { readonly kind: 'not-allowed' };

/** Never rejects. Needs CAP_NET_ADMIN. */
export async function readRuleset(signal: AbortSignal): Promise<RulesetReading> {
  for (const program of ['/usr/sbin/nft', '/sbin/nft', '/usr/local/sbin/nft']) {
    const command = { program, args: ['--json', 'list', 'ruleset'], maxOutputBytes: MAX_BYTES };
    const result = await nft.run(program, command, { signal });
    if (result.kind === 'ended' && result.code === 0) return { kind: 'rules', json: result.stdout };
    if (result.kind !== 'failed' || !isErrno(result.error, 'ENOENT')) {
      return { kind: 'not-allowed' };
    }
  }
  return { kind: 'no-program' };
}
