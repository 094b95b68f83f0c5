/**
 * The rules of the firewall of the network at hand: those of nftables by `nft`, those of iptables-nft, of which nft cannot show all, by
 * `iptables-nft-save`, and those of the older x_tables by `iptables-legacy-save`, which no other program shows.
 *
 * Promises: never rejects; makes no table by reading; what could not be read is said.
 */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

import { isErrno } from '../../../core/errno.ts';
import { boundedChild } from '../../child-process.ts';
import { inNetworkAtHand, networkKey } from '../network.ts';
import { hasNoNftables } from './kernel-support.ts';
import { readIptables } from './iptables.ts';
import { readNft } from './nft.ts';
import type { Chain, Program } from './ruleset.ts';

const MAX_BYTES = 16 * 1024 * 1024;
const FOLDERS = ['/usr/sbin', '/sbin', '/usr/local/sbin', '/usr/bin'];
/** Names of the tables of x_tables that exist in this network, by family. */
const LEGACY_TABLES = { ip: '/proc/net/ip_tables_names', ip6: '/proc/net/ip6_tables_names' };

const programs = boundedChild();

export type Unread = {
  readonly kind: 'not-allowed' | 'no-program' | 'unreadable';
  readonly detail: string;
};

export interface FirewallReading {
  readonly chains: readonly Chain[];
  /** Why a part of the rules is not among them. */
  readonly unread: readonly Unread[];
}

/** Needs CAP_NET_ADMIN; for rules of x_tables root. */
export async function readFirewall(signal: AbortSignal): Promise<FirewallReading> {
  const readings = await Promise.all([
    readNftables(signal),
    readLegacy('ip', signal),
    readLegacy('ip6', signal),
  ]);
  return {
    chains: readings.flatMap(({ chains }) => chains),
    unread: readings.flatMap(({ unread }) => unread),
  };
}

const NOTHING: FirewallReading = { chains: [], unread: [] };

function unread(kind: Unread['kind'], detail: string): FirewallReading {
  return { chains: [], unread: [{ kind, detail }] };
}

async function readNftables(signal: AbortSignal): Promise<FirewallReading> {
  const shown = await run(['nft'], ['--json', 'list', 'ruleset'], signal);
  if (shown.kind === 'absent') {
    if (await hasNoNftables()) return NOTHING;
    const { chains } = await readSaved(signal);
    const known = unread('no-program', 'nft is not installed, so rules of nftables are not known');
    return { ...known, chains };
  }
  if (shown.kind === 'failed') return unread(shown.reason, shown.detail);
  const { chains, opaqueTables } = readNft(shown.text);
  if (!chains.some((chain) => isOfIptables(chain))) return { chains, unread: [] };
  const saved = await readSaved(signal);
  const known = new Set(chains.map((chain) => tableOf(chain)));
  const better = saved.chains.filter((chain) => known.has(tableOf(chain)));
  const replaced = new Set(better.map((chain) => tableOf(chain)));
  const missing = [...opaqueTables].filter((name) => !replaced.has(name));
  return {
    chains: [...chains.filter((chain) => !replaced.has(tableOf(chain))), ...better],
    unread: missing.length === 0 ? [] : [...saved.unread, ...unreadable(missing, saved.unread)],
  };
}

/** Named as iptables names them. */
function isOfIptables({ family, name, hook }: Chain): boolean {
  return family !== 'inet' && hook !== undefined && name === hook.toUpperCase();
}

function tableOf({ family, table }: Chain): string {
  return `${family} ${table}`;
}

/** Another program changed a table of iptables, so that iptables does not show it. */
function unreadable(tables: readonly string[], known: readonly Unread[]): readonly Unread[] {
  const detail = `neither nft nor iptables shows all rules of ${tables.join(', ')}`;
  return known.length > 0 ? [] : [{ kind: 'unreadable', detail }];
}

/** What iptables-nft wrote, for both families. */
async function readSaved(signal: AbortSignal): Promise<FirewallReading> {
  const readings = await Promise.all(
    (['iptables', 'ip6tables'] as const).map(async (name) => {
      const saved = await run([`${name}-nft-save`, `${name}-save`], [], signal);
      if (saved.kind === 'failed') return unread(saved.reason, saved.detail);
      if (saved.kind === 'absent' || !isOfNft(saved)) {
        const detail = `${name}-nft-save is not installed, so rules of ${name} are not known`;
        return unread('no-program', detail);
      }
      const program = saved.program.includes('-nft-') ? (`${name}-nft` as const) : name;
      return { chains: readIptables(saved.text, program), unread: [] };
    }),
  );
  return {
    chains: readings.flatMap(({ chains }) => chains),
    unread: readings.flatMap((one) => one.unread),
  };
}

function isOfNft({ program, text }: { readonly program: string; readonly text: string }): boolean {
  return program.includes('-nft-') || text.includes('(nf_tables)');
}

async function readLegacy(family: 'ip' | 'ip6', signal: AbortSignal): Promise<FirewallReading> {
  const tables = readTables(LEGACY_TABLES[family]);
  if (typeof tables !== 'string') return { chains: [], unread: [tables] };
  if (tables.trim() === '') return NOTHING;
  const name = family === 'ip' ? 'iptables' : 'ip6tables';
  const saved = await run([`${name}-legacy-save`, `${name}-save`], [], signal);
  if (saved.kind === 'failed') return unread(saved.reason, saved.detail);
  // Before version 1.8 there was no other iptables.
  if (saved.kind === 'absent' || isOfNft(saved)) {
    const detail = `${name}-legacy-save is not installed, so rules of ${name}-legacy are not known`;
    return unread('no-program', detail);
  }
  const program: Program = saved.program.includes('-legacy-') ? `${name}-legacy` : name;
  return { chains: readIptables(saved.text, program), unread: [] };
}

/** Empty for a kernel without x_tables. */
function readTables(file: string): string | Unread {
  try {
    return inNetworkAtHand(() => readFileSync(file, 'utf8'));
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return '';
    const detail = `this user may not read ${file}, which names the tables of iptables-legacy`;
    return { kind: isErrno(error, 'EACCES', 'EPERM') ? 'not-allowed' : 'unreadable', detail };
  }
}

type Shown =
  | { readonly kind: 'text'; readonly program: string; readonly text: string }
  | { readonly kind: 'absent' }
  | {
      readonly kind: 'failed';
      readonly reason: 'not-allowed' | 'unreadable';
      readonly detail: string;
    };

/** The first of these programs that is installed. */
async function run(
  names: readonly string[],
  args: readonly string[],
  signal: AbortSignal,
): Promise<Shown> {
  const paths = names.flatMap((name) => FOLDERS.map((folder) => `${folder}/${name}`));
  for (const program of paths) {
    const command = { program, args, maxOutputBytes: MAX_BYTES, isInNetwork: true };
    const result = await programs.run(`${program} ${networkKey()}`, command, { signal });
    if (result.kind === 'ended' && result.code === 0) {
      return { kind: 'text', program: basename(program), text: result.stdout };
    }
    if (result.kind === 'failed' && isErrno(result.error, 'ENOENT')) continue;
    return failureOf(program, result.kind === 'ended' ? result.stderr : '');
  }
  return { kind: 'absent' };
}

function failureOf(program: string, complaint: string): Shown {
  const isForbidden = /not permitted|permission denied|must be root/i.test(complaint);
  if (isForbidden) {
    const detail = `this user may not read the rules of the firewall (${basename(program)})`;
    return { kind: 'failed', reason: 'not-allowed', detail };
  }
  const [said = ''] = complaint.split('\n');
  const detail = `${basename(program)} failed${said === '' ? ', or did not answer' : `: ${said}`}`;
  return { kind: 'failed', reason: 'unreadable', detail };
}
