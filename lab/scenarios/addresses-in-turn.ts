/** Two addresses of the name take turns, and one of them leads to another machine than GitLab. */
import type { Report } from '../../src/report/document.ts';
import { GITLAB_ADDRESS, PROXY_ADDRESS } from '../network.ts';
import { whileGood } from '../observe.ts';
import { usualScript } from '../peers/names.ts';
import type { Row } from '../scenario.ts';
import type { World } from '../world.ts';
import { EXPIRED, machine, MUST_NOT } from './addresses.ts';

const TURNS_SECONDS = 20;

function takeTurns({ names }: World): void {
  let turn = 0;
  const both = [PROXY_ADDRESS, GITLAB_ADDRESS];
  names.answer((name, type, transport) => {
    if (name !== 'gitlab.test' || type !== 'A') return usualScript(name, type, transport);
    turn += 1;
    // Not the same one each time for a client that asks at a fixed interval.
    return turn % 5 < 2 ? both : both.toReversed();
  });
}

/** Each answer has one address. */
function givesOne({ names }: World): void {
  let turn = 0;
  names.answer((name, type, transport) => {
    if (name !== 'gitlab.test' || type !== 'A') return usualScript(name, type, transport);
    turn += 1;
    return [turn % 5 < 2 ? PROXY_ADDRESS : GITLAB_ADDRESS];
  });
}

function namesOthers({ causes }: Report): string | undefined {
  const named = causes.map(({ id }) => id).join();
  return named === 'dns-address-outdated' ? undefined : `it names ${named}`;
}

/** It stays the only cause through some turns of the polls, also while three refusals in a row have disabled the entry. */
async function partOfThePollsFail({ daemon }: World): Promise<string | undefined> {
  return (await whileGood(daemon, namesOthers, TURNS_SECONDS)).lacks;
}

export const addressTurnRows: readonly Row[] = [
  {
    id: 'A-07c',
    title: 'two A records take turns, and one leads to another GitLab, which rejects the token',
    world: machine(),
    inject: takeTurns,
    expect: { cause: 'dns-address-outdated', severity: 'warning' },
    isIntermittent: true,
    needsHistory: true,
    holds: partOfThePollsFail,
    mustNot: MUST_NOT,
  },
  {
    id: 'A-07e',
    title: 'the name server gives one of two addresses in turn, and one is of another GitLab',
    world: machine(),
    inject: givesOne,
    expect: { cause: 'dns-address-outdated', severity: 'warning' },
    isIntermittent: true,
    needsHistory: true,
    holds: partOfThePollsFail,
    mustNot: MUST_NOT,
  },
  {
    id: 'A-07d',
    title:
      'two A records take turns, and one leads to an old machine whose certificate has expired',
    world: machine({ certificate: EXPIRED }),
    inject: takeTurns,
    expect: {
      cause: 'gitlab-partial-outage',
      severity: 'warning',
      says: /10\.200\.0\.4: (\d+) of \1 requests fail/,
    },
    isIntermittent: true,
    needsHistory: true,
    mustNot: MUST_NOT,
  },
];
