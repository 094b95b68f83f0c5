/** While a mended path is not known to its end, what was known of it holds. */
import { describe, expect, test } from 'vitest';

import { withSignal } from '../../src/core/abort.ts';
import type { CheckState } from '../../src/core/check.ts';
import { walkId } from '../../src/core/check.ts';
import type { Finding, ProbeResult } from '../../src/core/finding.ts';
import { reasonOf } from '../../src/core/finding.ts';
import type { Link } from '../../src/core/vocabulary.ts';
import { LINKS } from '../../src/core/vocabulary.ts';
import { runJob } from '../../src/checks/run.ts';
import { Store } from '../../src/checks/store.ts';
import { createWalk } from '../../src/checks/walk.ts';
import { setClock } from '../support/clock.ts';
import { contextsAt } from '../support/places.ts';
import { check, ENDPOINT, failingFinding, PASS, probe, runnerTarget } from '../support/probes.ts';
import { requestBudget } from '../support/request-budget.ts';

/** Unbudgeted ones that run at every walk, and those that ask GitLab seldom. */
const BUDGETED: ReadonlySet<Link> = new Set(['api', 'token']);

/** All links of a path with two entries; `sees` is called when a link runs. */
function path(sees: (link: Link) => void) {
  const clock = setClock();
  const store = new Store(clock);
  const says = new Map<Link, Finding>();
  const hangs = new Set<Link>();
  const probes = LINKS.map((id, index) =>
    probe({
      id,
      kind: id === 'token' ? 'runner' : 'endpoint',
      needs: LINKS.slice(0, index),
      intervalSeconds: BUDGETED.has(id) ? 900 : 15,
      ...(BUDGETED.has(id) ? { requests: { [id]: 'budgeted' } } : {}),
      run: async ({ signal }) => {
        sees(id);
        if (hangs.has(id)) {
          return await withSignal(new Promise<Finding>(() => {}), signal);
        }
        return says.get(id) ?? PASS;
      },
    }),
  );
  const checks = probes.flatMap((one) =>
    one.kind === 'runner'
      ? ['r1', 'r2'].map((id) => check(one, runnerTarget(id)))
      : [check(one, ENDPOINT)],
  );
  store.adopt(checks);
  const job = createWalk(walkId(ENDPOINT.id), checks, {
    clock,
    contexts: contextsAt(),
    budget: requestBudget(clock, 1000),
    known: (id) => store.known(id),
    restore: (id) => void store.restore(id),
  });
  const onResult = (result: ProbeResult): void => void store.record(result);
  const walk = async (stop: AbortSignal = new AbortController().signal): Promise<void> => {
    clock.advance(30);
    await runJob({ job, clock, stop, onResult });
  };
  return { clock, store, says, hangs, walk };
}

function statusesOf(states: readonly CheckState[]): readonly string[] {
  return states.map(({ check: { id }, finding: { status } }) => `${id} ${status}`);
}

describe.each(LINKS)('%s passes again', (link) => {
  test.each(['a path that was open before', 'a path that was never open'])(
    '%s: nothing is shown of it until the walk has ended',
    async (kind) => {
      const rounds: (readonly string[])[] = [];
      const { clock, store, says, walk } = path(() => void rounds.push(statusesOf(store.states())));
      if (kind.includes('open before')) await walk();
      // Then a link that is asked seldom has its turn, too.
      if (BUDGETED.has(link)) clock.advance(900);
      says.set(link, failingFinding());
      await walk();
      await walk();
      const before = statusesOf(store.states());
      says.delete(link);
      rounds.length = 0;
      await walk();
      const own = rounds.slice(LINKS.indexOf(link));

      expect(before.some((one) => one.endsWith('fail'))).toBe(true);
      expect(own.length).toBeGreaterThan(0);
      for (const one of own) expect(one).toEqual(before);
      expect(store.states().every(({ finding }) => finding.status === 'pass')).toBe(true);
    },
  );
});

const LATER = LINKS.flatMap((link, index) =>
  LINKS.slice(index + 1).map((later) => [link, later] as const),
);

test.each(LATER)(
  '%s passes again and %s fails now: both are shown at the end',
  async (link, later) => {
    const { store, says, walk } = path(() => {});
    says.set(link, failingFinding());
    await walk();
    says.delete(link);
    says.set(later, failingFinding('other'));
    await walk();
    const failing = store.states().filter(({ finding }) => finding.status === 'fail');

    expect(new Set(failing.map(({ check }) => check.probe.id))).toEqual(new Set([later]));
  },
);

const SKIPPED = 'earlier-link';

test.each([
  ['tls', ['pass', 'pass', 'pass', 'overdue', SKIPPED, SKIPPED, SKIPPED, SKIPPED]],
  // The last result of api, which is not due, is shown again.
  ['token', ['pass', 'pass', 'pass', 'pass', 'pass', 'pass', 'overdue', SKIPPED]],
] as const)(
  '%s hangs after dns passes again: it ends with the walk, and what was found is shown',
  async (link, expected) => {
    const hung = Promise.withResolvers<void>();
    const { store, says, hangs, walk } = path((seen) => {
      if (hangs.has(seen)) hung.resolve();
    });
    says.set('token', failingFinding());
    await walk();
    says.set('dns', failingFinding());
    await walk();
    says.delete('dns');
    hangs.add(link);
    const stop = new AbortController();
    const walking = walk(stop.signal);
    await hung.promise;
    const before = statusesOf(store.states());
    stop.abort(new Error('the end of the test'));
    await walking;
    const after = store.states().map(({ finding }) => reasonOf(finding) ?? finding.status);

    expect(before).toContain(`dns@${ENDPOINT.id} fail`);
    expect(after).toEqual(expected);
  },
);
