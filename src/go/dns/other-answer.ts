/** A lookup without an address: would another name server have one? Its answer is enough, nothing is dialled. */
import type { Finding } from '../../core/finding.ts';
import type { Found } from '../../core/follow-up.ts';
import type { Query, Resolution } from '../../core/lookup.ts';
import {
  addressesByServer,
  decisiveQueries,
  lookupText,
  outcomesByServer,
} from './lookup-judgement.ts';
import { FACTORS, firstOf } from './address-difference.ts';
import type { ResolveOptions } from './resolver.ts';
import { queryEachServer } from './resolver.ts';

type Answered = Found<'servers-disagree'>;

/** The name has no address; Go queries no further server after such an answer. */
export async function otherAnswer(found: Resolution, deps: ResolveOptions): Promise<Answered> {
  const asked = decisiveQueries(found);
  const silent = found.servers.filter((server) => !asked.some((query) => query.server === server));
  const [name] = asked.map((query) => query.name);
  if (name === undefined || silent.length === 0) return {};
  const opinions = await queryEachServer(name, silent, deps);
  const facts = { outcomes: outcomesByServer([...asked, ...opinions]) };
  const [better] = addressesByServer(opinions);
  return better === undefined ? { facts } : betterAnswer(found, asked, better, facts);
}

function betterAnswer(
  found: Resolution,
  asked: readonly Query[],
  [rightSource, addresses]: readonly [string, readonly string[]],
  facts: Finding['facts'],
): Answered {
  const right = addresses.join(', ');
  const wrongServers = [...new Set(asked.map(({ server }) => server))];
  return {
    status: 'fail',
    reason: 'servers-disagree',
    detail: `${lookupText(found)}; ${rightSource} returns ${right}`,
    facts: {
      ...facts,
      factor: FACTORS['servers-disagree'],
      wrong: 'no address',
      wrong_source: wrongServers.join(', '),
      ...firstOf(wrongServers),
      right,
      right_source: rightSource,
    },
  };
}
