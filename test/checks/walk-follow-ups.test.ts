/** Follow-ups of a walk: when they are run, what is held back for them, and how long a result holds. */
import { describe, expect, test } from 'vitest';

import { Store } from '../../src/checks/store.ts';
import { createWalk } from '../../src/checks/walk.ts';
import { ExchangeError } from '../../src/core/exchange-error.ts';
import type { Finding } from '../../src/core/finding.ts';
import type { FollowUp, FollowUpTools, Found } from '../../src/core/follow-up.ts';
import { DeadlineError } from '../../src/core/abort.ts';
import { withFollowUps } from '../../src/core/follow-up.ts';
import { leadToCauses } from '../../src/core/reason.ts';
import { setClock } from '../support/clock.ts';
import { contextsAt } from '../support/places.ts';
import { check, ENDPOINT, failingFinding, PASS, probe } from '../support/probes.ts';
import { unlimitedBudget } from '../support/run-probe.ts';
import { patient } from '../support/until.ts';

const DOUBT: Found = { status: 'warn', reason: 'doubtful', detail: 'the address may be wrong' };

type FollowUpLike = Partial<FollowUp> & Pick<FollowUp, 'after'>;

function followUp(over: FollowUpLike): FollowUp {
  return {
    id: 'other-source',
    title: 'Other source',
    question: 'Is it another one?',
    cost: 'local',
    timeoutSeconds: 2,
    rememberSeconds: 60,
    reasons: leadToCauses('doubtful'),
    measures: {},
    run: async () => DOUBT,
    ...over,
  };
}

const ofDns = (over: Partial<FollowUp> = {}): FollowUp =>
  followUp({ after: ['connect/fail', 'tls/fail'], revises: 'dns', ...over });

const own = (over: Partial<FollowUp> = {}): FollowUp =>
  followUp({ after: ['connect/fail'], idle: { tried: 0 }, ...over });

const refusal = (): Error =>
  Object.assign(new Error('no route'), { code: 'EHOSTUNREACH', syscall: 'connect' });

function stage(followUps: readonly FollowUp[], says: Record<string, Finding> = {}) {
  const clock = setClock();
  const store = new Store(clock);
  /** What was run and what was reported, in order. */
  const story: string[] = [];
  /** The last report of each link. */
  const findings = new Map<string, Finding>();
  const links = (['dns', 'connect', 'tls', 'http'] as const).map((id, index, ids) =>
    probe({
      id,
      kind: 'endpoint',
      needs: ids.slice(Math.max(0, index - 1), index),
      run: () => {
        story.push(`run ${id}`);
        return says[id] ?? PASS;
      },
    }),
  );
  const checks = withFollowUps(links, followUps).map((one) => check(one, ENDPOINT));
  const newWalk = () =>
    createWalk('walk', checks, {
      clock,
      contexts: contextsAt(),
      budget: unlimitedBudget,
      known: (id) => store.known(id),
      restore: () => {},
    });
  store.adopt(checks);
  let job = newWalk();
  return {
    clock,
    says,
    findings,
    replan: () => void (job = newWalk()),
    walk: async (signal = patient()): Promise<readonly string[]> => {
      story.length = 0;
      await job.run(
        signal,
        (result) => {
          store.record(result);
          const [link = ''] = result.check.split('@');
          findings.set(link, result.finding);
          story.push(`${link} ${result.finding.status}`);
        },
        false,
      );
      return story.filter((line) => !line.startsWith('http') && line !== 'run http');
    },
  };
}

describe('a finding that a follow-up may revise', () => {
  test('is reported at once when no follow-up concerns it', async () => {
    expect(await stage([]).walk()).toEqual([
      'run dns',
      'dns pass',
      'run connect',
      'connect pass',
      'run tls',
      'tls pass',
    ]);
  });

  test('is held back until the last link that can make it due has passed', async () => {
    expect(await stage([ofDns()]).walk()).toEqual([
      'run dns',
      'run connect',
      'run tls',
      'dns pass',
      'connect pass',
      'tls pass',
    ]);
  });

  test('is reported at once when there is nothing to try', async () => {
    const reported = await stage([ofDns({ subject: () => undefined })], {
      tls: failingFinding(),
    }).walk();

    expect(reported.slice(0, 3)).toEqual(['run dns', 'dns pass', 'run connect']);
    expect(reported).toContain('tls fail');
  });

  test('is reported once, with the result of the follow-up', async () => {
    expect(await stage([ofDns()], { connect: failingFinding() }).walk()).toEqual([
      'run dns',
      'run connect',
      'dns warn',
      'connect fail',
      'tls skipped',
    ]);
  });

  test('keeps its measures and facts, with those of the follow-up over them', async () => {
    const found = { ...DOUBT, measures: { b: 2 }, facts: { right: 'y' } };
    const { walk, says, findings } = stage([ofDns({ run: async () => found })]);
    says['dns'] = { status: 'pass', measures: { a: 1, b: 1 }, facts: { name: 'x' } };
    says['connect'] = failingFinding();
    await walk();

    expect(findings.get('dns')).toEqual({
      ...DOUBT,
      measures: { a: 1, b: 2 },
      facts: { name: 'x', right: 'y' },
    });
  });

  test.each<[string, FollowUp['run']]>([
    ['has no route', async () => await Promise.reject(refusal())],
    ['gets no answer', async () => await Promise.reject(new ExchangeError('closed', 'closed'))],
    ['ends a try at its deadline', async () => await Promise.reject(new DeadlineError(1))],
    ['finds nothing', async () => ({})],
  ])('stays when the follow-up %s', async (_what, run) => {
    const reported = await stage([ofDns({ run })], { connect: failingFinding() }).walk();

    expect(reported).toContain('dns pass');
  });

  test.each([new TypeError('secret glrt-abc'), new Error('secret glrt-abc'), 'secret glrt-abc'])(
    'that passed is unknown when the follow-up has a bug: %s',
    async (thrown) => {
      const buggy = ofDns({ run: async () => await Promise.reject(thrown) });
      const { walk, findings } = stage([buggy], { connect: failingFinding() });
      const reported = await walk();
      const name = thrown instanceof Error ? thrown.name : 'string';

      expect(findings.get('dns')).toEqual({
        status: 'unknown',
        reason: 'probe-bug',
        detail: `${name} in other-source`,
      });
      expect(reported).toContain('connect fail');
    },
  );

  test('that failed stays a failure when the follow-up has a bug, and names it', async () => {
    const buggy = followUp({
      after: ['connect/broken'],
      revises: 'connect',
      run: async () => await Promise.reject(new TypeError('secret glrt-abc')),
    });
    const { walk, findings } = stage([buggy], { connect: failingFinding() });
    await walk();

    expect(findings.get('connect')).toMatchObject({
      status: 'fail',
      reason: 'broken',
      detail: expect.stringMatching(/; TypeError in other-source$/),
    });
  });

  test('stays when the follow-up throws because its time is over', async () => {
    const late = ofDns({
      timeoutSeconds: 0.01,
      run: async (_target, { signal }) => {
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        throw new TypeError('of a socket that was closed at the deadline');
      },
    });

    expect(await stage([late], { connect: failingFinding() }).walk()).toContain('dns pass');
  });

  test('stays when the follow-up does not end before the walk does', async () => {
    const stop = new AbortController();
    const run = async (): Promise<Found> => {
      setImmediate(() => stop.abort(new Error('stopped')));
      return await new Promise<Found>(() => {});
    };
    const reported = await stage([ofDns({ run })], { connect: failingFinding() }).walk(stop.signal);

    expect(reported).toContain('dns pass');
  });

  test('may open the path again for the links after it', async () => {
    const reopen = followUp({ after: ['connect/broken'], revises: 'connect' });

    expect(await stage([reopen], { connect: failingFinding() }).walk()).toEqual([
      'run dns',
      'dns pass',
      'run connect',
      'connect warn',
      'run tls',
      'tls pass',
    ]);
  });

  test('is made more exact before others ask why it failed', async () => {
    const reopen = followUp({ id: 'reopen', after: ['connect/broken'], revises: 'connect' });
    const reported = await stage([ofDns(), reopen], { connect: failingFinding() }).walk();

    expect(reported).toContain('connect warn');
    expect(reported).toContain('dns pass');
  });
});

describe('a follow-up with a check of its own', () => {
  test('passes behind the links while nothing is due', async () => {
    expect((await stage([own()]).walk()).slice(-2)).toEqual(['tls pass', 'other-source pass']);
  });

  test('is run right after the link that failed, and reported with it', async () => {
    expect((await stage([own()], { connect: failingFinding() }).walk()).slice(2)).toEqual([
      'run connect',
      'connect fail',
      'other-source warn',
      'tls skipped',
    ]);
  });

  test('is unknown when it fails, since nothing was learned', async () => {
    const broken = own({ run: async () => await Promise.reject(new TypeError('no route')) });

    expect(await stage([broken], { connect: failingFinding() }).walk()).toContain(
      'other-source unknown',
    );
  });
});

function stageWithFaults(over: Partial<FollowUp> = {}) {
  const faults: string[] = [];
  const run = async (_target: unknown, { fault }: FollowUpTools): Promise<Found> => {
    faults.push(fault.name);
    return DOUBT;
  };
  const staged = stage([ofDns({ run, ...over })], { connect: failingFinding() });
  return { ...staged, faults };
}

describe('what was found', () => {
  test('holds for its time while the fault is the same', async () => {
    const { walk, clock, faults } = stageWithFaults();
    for (const seconds of [0, 30, 29.9]) {
      clock.advance(seconds);
      expect(await walk()).toContain('dns warn');
    }
    expect(faults).toHaveLength(1);
    clock.advance(0.2);
    await walk();

    expect(faults).toHaveLength(2);
  });

  test('does not hold for another fault, another subject, or a new plan', async () => {
    let subject = 'one';
    const { walk, says, faults, replan } = stageWithFaults({ subject: () => subject });
    await walk();
    says['connect'] = failingFinding('refused');
    await walk();
    subject = 'two';
    await walk();
    replan();
    await walk();

    expect(faults).toEqual([
      'connect/broken',
      'connect/refused',
      'connect/refused',
      'connect/refused',
    ]);
  });

  test('is not remembered when it could not run', async () => {
    let count = 0;
    const run = async (): Promise<Found> => {
      count += 1;
      return await Promise.reject(refusal());
    };
    const { walk } = stage([ofDns({ run })], { connect: failingFinding() });
    await walk();
    await walk();

    expect(count).toBe(2);
  });

  test('knows what the link found before', async () => {
    const counts: number[] = [];
    const run = async (_target: unknown, { recent }: FollowUpTools): Promise<Found> => {
      counts.push(recent.length);
      return {};
    };
    const { walk } = stage([ofDns({ run, rememberSeconds: 0 })], { connect: failingFinding() });
    await walk();
    await walk();

    expect(counts).toEqual([0, 1]);
  });
});

test('a check of its own keeps its result in a walk that runs none of its links', async () => {
  let subject: string | undefined = 'the address';
  const one = own({ after: ['connect/pass'], subject: () => subject });
  const { walk, findings } = stage([one]);
  await walk();
  expect(findings.get('other-source')).toMatchObject({ reason: 'doubtful' });

  // At the same moment nothing is due; what the link handed over is gone.
  subject = undefined;
  const story = await walk();

  expect(story.filter((line) => line.startsWith('run'))).toEqual([]);
  expect(findings.get('other-source')).toMatchObject({ reason: 'doubtful' });
});

test('a check of its own passes when its link was run and there is nothing to try', async () => {
  let subject: string | undefined = 'the address';
  const one = own({ after: ['connect/pass'], subject: () => subject });
  const { clock, walk, findings } = stage([one]);
  await walk();

  clock.advance(60);
  subject = undefined;
  await walk();

  expect(findings.get('other-source')).toMatchObject({ status: 'pass' });
});

test.each(['pages', 'requests'] as const)(
  '%s of GitLab wait while it wants quiet',
  async (cost) => {
    let count = 0;
    const pages = followUp({
      after: ['http/fail'],
      revises: 'http',
      cost,
      run: async () => {
        count += 1;
        return {};
      },
    });
    const paused = { ...unlimitedBudget, isPaused: () => true };
    const http = probe({ id: 'http', kind: 'endpoint', run: () => failingFinding() });
    const checks = withFollowUps([http], [pages]).map((one) => check(one, ENDPOINT));
    const common = {
      clock: setClock(),
      contexts: contextsAt(),
      known: () => undefined,
      restore: () => {},
    };
    for (const budget of [paused, unlimitedBudget]) {
      const walk = createWalk('walk', checks, { ...common, budget });
      await walk.run(patient(), () => {}, true);
    }

    expect(count).toBe(1);
  },
);
