/** The walk and the address: the follow-up of tokens, and failures that were met at an address of before. */
import { describe, expect, test } from 'vitest';

import type { Check } from '../../src/core/check.ts';
import type { CheckId, Fact, Finding } from '../../src/core/finding.ts';
import type { Found, FollowUpTools, Tried } from '../../src/core/follow-up.ts';
import { withFollowUps } from '../../src/core/follow-up.ts';
import type { Probe } from '../../src/core/probe.ts';
import { leadToCauses } from '../../src/core/reason.ts';
import { Store } from '../../src/checks/store.ts';
import { createWalk } from '../../src/checks/walk.ts';
import { setClock } from '../support/clock.ts';
import { contextsAt } from '../support/places.ts';
import { check, ENDPOINT, PASS, probe, runnerTarget } from '../support/probes.ts';
import { requestBudget } from '../support/request-budget.ts';
import { patient } from '../support/until.ts';

const OLD = '10.0.0.4';
const NEW = '10.0.0.2';

const rejectedAt = (address: Fact): Finding => ({
  status: 'fail',
  reason: 'rejected',
  detail: 'GitLab rejects it',
  facts: { address },
});

const passedAt = (address: Fact): Finding => ({ status: 'pass', facts: { address } });

/** A walk whose name has these addresses, and whose tokens are answered by what is in `says`. */
function stage(tried: Tried = {}, requestsPerHour = 20) {
  const clock = setClock();
  const store = new Store(clock);
  const budget = requestBudget(clock, requestsPerHour);
  const addresses = [OLD];
  const says = new Map<string, Finding>();
  const ran: string[] = [];
  const asked: (readonly string[])[] = [];
  const reported: string[] = [];
  const contradicted = new Set<CheckId>();
  const link = (
    id: string,
    needs: readonly string[],
    over: Partial<Omit<Probe, 'run'>>,
    subject = id,
  ): Probe =>
    probe({
      id,
      needs,
      kind: 'endpoint',
      intervalSeconds: 15,
      ...over,
      run: ({ walk }) => {
        ran.push(subject);
        if (id === 'dns') walk.addresses = addresses.map((address) => ({ address, family: 4 }));
        return says.get(subject) ?? PASS;
      },
    });
  const links = [
    link('dns', [], {}),
    link('connect', ['dns'], {}),
    link('http', ['connect'], { intervalSeconds: 60 }),
    link('api', ['http'], { intervalSeconds: 900, requests: { api: 'budgeted' } }),
  ];
  const token = (subject: string): Check => {
    const over = { kind: 'runner', intervalSeconds: 900, requests: { token: 'budgeted' } } as const;
    return check(link('token', ['api'], over, subject), runnerTarget(subject, ENDPOINT.id));
  };
  const ofTokens = {
    id: 'cross-check',
    title: 'Cross-check',
    question: 'Is it another one?',
    after: ['token/rejected', 'token/pass'],
    revises: 'dns',
    cost: 'requests',
    timeoutSeconds: 2,
    rememberSeconds: 60,
    reasons: leadToCauses('doubtful'),
    measures: {},
    persists: (found: Found): boolean => found.facts?.['wrong'] === addresses.at(-1),
    run: async (_target: unknown, { fault }: FollowUpTools): Promise<Tried> => {
      asked.push((fault.runners ?? []).map(({ id }) => id));
      return tried;
    },
  } as const;
  const checks = [
    ...withFollowUps(links, [ofTokens]).map((one) => check(one, ENDPOINT)),
    ...['b', 'a', 'c'].map((id) => token(id)),
  ];
  store.adopt(checks);
  const job = createWalk('walk', checks, {
    clock,
    contexts: contextsAt(),
    budget,
    reserve: budget.reserve,
    known: (id) => store.known(id),
    restore: (id) => void store.restore(id),
    contradicted: () => contradicted,
  });
  const walk = async (): Promise<readonly string[]> => {
    ran.length = 0;
    reported.length = 0;
    await job.run(
      patient(),
      (result) => {
        store.record(result);
        reported.push(`${result.check.split('@')[0]} ${result.finding.status}`);
      },
      false,
    );
    return [...ran];
  };
  return { clock, budget, addresses, says, asked, reported, contradicted, walk };
}

const DOUBT: Tried = { status: 'warn', reason: 'doubtful', detail: 'another address accepts it' };

describe('a follow-up of the token', () => {
  test('runs once, after all tokens, with each entry whose token fails', async () => {
    const { walk, says, asked, reported } = stage(DOUBT);
    says.set('b', rejectedAt(OLD)).set('a', rejectedAt(OLD));
    await walk();

    expect(asked).toEqual([['a', 'b']]);
    expect(reported[0]).toBe('dns warn');
  });

  test('runs with the entries whose accepted token the runner contradicts', async () => {
    const { walk, asked, contradicted } = stage(DOUBT);
    contradicted.add('token@b');
    await walk();

    expect(asked).toEqual([['b']]);
  });

  test('runs with what fails, where another entry is contradicted', async () => {
    const { walk, says, asked, contradicted } = stage(DOUBT);
    says.set('b', rejectedAt(OLD));
    contradicted.add('token@a');
    await walk();

    expect(asked).toEqual([['b']]);
  });

  test('does not run while every token is accepted', async () => {
    const { walk, asked, reported } = stage(DOUBT);
    await walk();

    expect(asked).toEqual([]);
    expect(reported).not.toContain('dns warn');
  });

  test('holds for as long as it says', async () => {
    const { walk, says, asked, reported, clock } = stage({ ...DOUBT, rememberSeconds: 200 });
    says.set('a', rejectedAt(OLD));
    await walk();
    clock.advance(185);
    await walk();

    expect(asked).toHaveLength(1);
    expect(reported[0]).toBe('dns warn');
    clock.advance(15);
    await walk();

    expect(asked).toHaveLength(2);
  });
});

async function failedAtOld(requestsPerHour?: number) {
  const staged = stage({}, requestsPerHour);
  staged.says.set('a', rejectedAt(OLD));
  await staged.walk();
  staged.clock.advance(15);
  return staged;
}

describe('what was found at one of several addresses', () => {
  async function acceptedInTurn(found: Tried) {
    const staged = stage(found);
    staged.says.set('a', rejectedAt(OLD));
    await staged.walk();
    staged.says.set('a', passedAt(NEW));
    staged.addresses.unshift(NEW);
    staged.clock.advance(30);
    await staged.walk();
    return staged;
  }

  test('holds while the token is accepted at the other one, where the follow-up says so', async () => {
    const { asked, reported } = await acceptedInTurn({ ...DOUBT, facts: { wrong: OLD } });

    expect(asked).toHaveLength(1);
    expect(reported[0]).toBe('dns warn');
  });

  test.each<[string, Tried]>([
    ['it was of another address', { ...DOUBT, facts: { wrong: NEW } }],
    ['nothing was found', { facts: { wrong: OLD } }],
    ['its time is over', { ...DOUBT, facts: { wrong: OLD }, rememberSeconds: 29 }],
  ])('ends where %s', async (_why, found) => {
    expect((await acceptedInTurn(found)).reported[0]).toBe('dns pass');
  });
});

describe('a token that failed at an address which the name no longer has', () => {
  const ALL = ['dns', 'connect', 'http', 'a'];

  test('is asked about again at once, with the links that it needs', async () => {
    const { walk, addresses } = await failedAtOld();
    addresses.splice(0, 1, NEW);

    expect(await walk()).toEqual(ALL);
  });

  test('is asked from the reserve when the budget is spent', async () => {
    const { walk, addresses } = await failedAtOld(4);
    addresses.splice(0, 1, NEW);

    expect(await walk()).toEqual(ALL);
  });

  test('waits for its turn while the name still has the address, too', async () => {
    const { walk, addresses } = await failedAtOld();
    addresses.unshift(NEW);

    expect(await walk()).toEqual(['dns', 'connect']);
  });

  test('was accepted there, and is asked again too, but not from the reserve', async () => {
    const { walk, addresses, says, clock } = stage({}, 5);
    says.set('a', passedAt(OLD)).set('b', passedAt(OLD));
    await walk();
    clock.advance(15);
    addresses.splice(0, 1, NEW);

    expect(await walk()).toEqual(['dns', 'connect', 'http', 'b']);
  });

  test('takes one request of the reserve at a time, the rest is for what the runner contradicts', async () => {
    const { walk, addresses, says, clock } = stage({}, 4);
    for (const id of ['a', 'b', 'c']) says.set(id, rejectedAt(OLD));
    await walk();
    addresses.splice(0, 1, NEW);
    says.set('b', rejectedAt(NEW));

    const rounds: (readonly string[])[] = [];
    for (const seconds of [15, 15, 15, 870, 30]) {
      clock.advance(seconds);
      rounds.push(await walk());
    }
    const tokens = rounds.map((ran) => ran.filter((id) => id.length === 1));
    expect(tokens).toEqual([['b'], [], [], ['a'], []]);
  });

  test.each([
    ['was accepted', passedAt],
    ['was rejected', rejectedAt],
  ])('%s there, and is asked about as soon as the budget allows', async (_what, last) => {
    const { walk, addresses, says, clock, budget } = stage({}, 5);
    for (const id of ['a', 'b', 'c']) says.set(id, last(OLD));
    await walk();
    addresses.splice(0, 1, NEW);
    for (const id of ['a', 'b', 'c']) says.set(id, passedAt(NEW));
    const asked = async (): Promise<readonly string[]> => {
      clock.advance(15);
      return (await walk()).filter((id) => id.length === 1);
    };
    const first = await asked();
    budget.limitTo(20);

    expect([...first, ...(await asked())].toSorted()).toEqual(['a', 'b', 'c']);
  });

  test('is not asked about more than once in five minutes, wherever the name moves', async () => {
    const { walk, addresses, clock } = await failedAtOld();
    addresses.splice(0, 1, NEW);
    await walk();
    clock.advance(15);

    expect(await walk()).not.toContain('a');
  });
});
