/** The source of a wrong address, when another address of the same name is the right one: what to say, and the facts. */

import { dataKey } from '../../core/finding-data.ts';
import type { Found } from '../../core/follow-up.ts';
import type { Resolution } from '../../core/lookup.ts';
import type { Paths } from '../../core/paths.ts';
import { leadToCauses } from '../../core/reason.ts';
import { canonicalAddress } from './address-order.ts';
import { hostsLines } from './hosts-file.ts';
import type { Difference, OtherAddress } from './other-addresses.ts';
import { answeredName, serversWithAnswer } from './other-addresses.ts';
import type { ServersAtStart } from './servers-at-start.ts';
import { readTextIn } from '../../host/fs/in-root.ts';

export const DIFFERENCE_REASONS = leadToCauses(
  'servers-disagree',
  'hosts-override',
  'search-domain',
  'mixed-addresses',
  'outdated-copy',
);

type Reason = keyof typeof DIFFERENCE_REASONS;

const REASON_OF: Readonly<Record<Difference, Reason>> = {
  answer: 'mixed-addresses',
  hosts: 'hosts-override',
  server: 'servers-disagree',
  name: 'search-domain',
  copy: 'outdated-copy',
  earlier: 'mixed-addresses',
};

export const FACTORS: Readonly<Record<Reason, string>> = {
  'hosts-override': 'hosts file or DNS',
  'servers-disagree': 'which name server',
  'search-domain': 'which search domain',
  'mixed-addresses': 'which address of the answer',
  'outdated-copy': 'name servers of the container or of the host',
};

/** Ids of the entries whose tokens the address in use rejects. */
export const TRIED_RUNNERS = dataKey<readonly string[]>('tried-runners');

export interface TrialTexts {
  /** The link that the address in use fails. */
  readonly trial: string;
  /** Follows "which". */
  readonly isWrong: string;
  /** The runner gets an answer from it, and counts each refusal. */
  readonly isAnswered: boolean;
  /** `where GitLab answers`. */
  readonly isRight: string;
}

export async function differenceOf(
  found: Resolution,
  used: readonly string[],
  right: OtherAddress,
  { trial, isWrong, isRight, isAnswered }: TrialTexts,
  paths: Paths,
): Promise<Found<Reason>> {
  const isPinned = found.source === 'hosts';
  const reason = isPinned ? 'hosts-override' : REASON_OF[right.difference];
  const wrongServers = isPinned ? [] : serversWithAnswer(found);
  const source = isPinned ? await hostsSource(found, used, paths) : wrongServers.join(', ');
  const wrong = used.join(', ');
  const wrongName = answeredName(found);
  const isOtherName = reason === 'search-domain';
  const asName = isOtherName ? ` as ${wrongName}` : '';
  const isEarlier = right.difference === 'earlier';
  const returned = isEarlier ? 'at another time returned' : 'returns';
  const rightName = isOtherName ? ` for ${right.name}` : '';
  return {
    status: 'warn',
    reason,
    detail: `${source} returns ${wrong} for ${found.name}${asName}, which ${isWrong}; ${right.source} ${returned} ${right.address}${rightName}, ${isRight}`,
    facts: {
      factor: FACTORS[reason],
      trial,
      ...(isAnswered ? { is_answered: true } : {}),
      ...(isEarlier ? { is_earlier: true } : {}),
      wrong,
      wrong_does: isWrong,
      wrong_source: source,
      wrong_name: wrongName,
      ...firstOf(wrongServers),
      right: right.address,
      right_source: right.source,
      right_name: right.name,
      right_does: isRight,
      ...(right.atStart === undefined ? {} : factsOfCopy(right.atStart, right.source)),
    },
  };
}

/** What the host asks, where the container of the runner asks others. */
export function factsOfCopy(
  { file, setBy }: ServersAtStart,
  server: string,
): Readonly<Record<string, string>> {
  const set = setBy === undefined ? {} : { servers_set: setBy };
  return { host_file: file, host_server: server, ...set };
}

export function firstOf([server]: readonly string[]): { readonly wrong_server?: string } {
  return server === undefined ? {} : { wrong_server: server };
}

/** `/etc/hosts line 3`. */
async function hostsSource(
  { name }: Resolution,
  used: readonly string[],
  paths: Paths,
): Promise<string> {
  const text = await readTextIn(paths, '/etc/hosts').catch(() => '');
  const lines = hostsLines(text, name).filter(({ address }) =>
    used.includes(canonicalAddress(address)),
  );
  return ['/etc/hosts', lines.map(({ line }) => `line ${line}`).join(', ')].join(' ').trim();
}
