/** A lookup without an address: would another name server have one? Its answer is enough, nothing is dialled. */
import type { Finding } from '../../core/finding.ts';
import type { Found } from '../../core/follow-up.ts';
import type { Query, Resolution } from '../../core/lookup.ts';
import {
  addressesByServer,
  decisiveQueries,
  isFinal,
  lookupText,
  outcomesByServer,
} from './lookup-judgement.ts';
import { factsOfCopy, FACTORS, firstOf } from './address-difference.ts';
import type { ResolveOptions } from './resolver.ts';
import { queryEachServer } from './resolver.ts';
import type { ServersAtStart } from './servers-at-start.ts';

type Answered = Found<'servers-disagree' | 'outdated-copy'>;

/** `atStart`: what the container of the runner would ask after a restart. */
export async function otherAnswer(
  found: Resolution,
  deps: ResolveOptions,
  atStart: ServersAtStart | undefined,
): Promise<Answered> {
  const asked = decisiveQueries(found);
  const [name = found.name] = asked.map((query) => query.name);
  const ofFile = await answerOfFile(found, asked, name, deps);
  const isOpen = ofFile.status === undefined && atStart !== undefined;
  return isOpen ? { ...ofFile, ...(await answerOfHost(found, name, atStart)) } : ofFile;
}

/** Go queries no further server after the answer that there is no address. */
async function answerOfFile(
  found: Resolution,
  asked: readonly Query[],
  name: string,
  deps: ResolveOptions,
): Promise<Answered> {
  const silent = found.servers.filter((server) => !asked.some((query) => query.server === server));
  if (asked.length === 0 || silent.length === 0) return {};
  const opinions = await queryEachServer(name, silent, deps);
  const facts = { outcomes: outcomesByServer([...asked, ...opinions]) };
  const [better] = addressesByServer(opinions);
  return better === undefined ? { facts } : betterAnswer(found, asked, better, facts);
}

/** After an answer only the server that is asked first counts. */
async function answerOfHost(
  found: Resolution,
  name: string,
  atStart: ServersAtStart,
): Promise<Answered> {
  if (isFinal(found.queries) && !atStart.isFirstNew) return {};
  const [better] = addressesByServer(await atStart.ask(name));
  if (better === undefined) return {};
  const [rightSource, addresses] = better;
  const facts = factsOfCopy(atStart, rightSource);
  if (atStart.setBy !== undefined) return { facts };
  const right = addresses.join(', ');
  return {
    status: 'fail',
    reason: 'outdated-copy',
    detail: `${lookupText(found)}; ${rightSource}, which ${atStart.file} of the host has now, returns ${right}`,
    facts: {
      ...facts,
      factor: FACTORS['outdated-copy'],
      wrong: 'no address',
      wrong_source: found.servers.join(', '),
      ...firstOf(found.servers),
      right,
      right_source: rightSource,
    },
  };
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
