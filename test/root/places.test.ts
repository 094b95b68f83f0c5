/** Runners in containers, with real namespaces: each is found without a flag and judged in its own place. */
import { expect, test } from 'vitest';

import type { Body } from '../support/run-body.ts';
import { ALONE, runBody } from '../support/run-body.ts';
import {
  networksWithoutRights,
  readFromElsewhere,
  restarted,
  twoContainers,
  withoutRights,
} from './places-bodies.ts';

const BODIES = new URL('./places-bodies.ts', import.meta.url).href;

async function alone<R>(body: Body<[], R>): Promise<R> {
  return await runBody(BODIES, body, [], { prefix: ALONE });
}

/** Their own address is known in their own network alone: from here there is no route to it. */
const REFUSED =
  /^connect@http:\/\/gitlab\.test:8080\/\S* fail refused: gitlab\.test port 8080: 10\.9\.9\.2 ECONNREFUSED/;

test('two containers with the same path inside are two places, each with its files and its network', async () => {
  const { places, roots, problems, runners, endpoints, findings } = await alone(twoContainers);

  expect(places).toEqual(roots.map((root) => `container:${root}`).toSorted());
  expect(problems).toEqual([]);
  expect(runners.toSorted()).toEqual(['one-23456', 'two-23456']);
  expect(endpoints).toEqual([
    'http://gitlab.test:8080/',
    `http://gitlab.test:8080/#${places[1] ?? ''}`,
  ]);
  expect(findings).toEqual([expect.stringMatching(REFUSED), expect.stringMatching(REFUSED)]);
});

function withoutTimes<T extends { readonly findings: readonly string[] }>(seen: T): T {
  return { ...seen, findings: seen.findings.map((text) => text.replace(/ after [\d.]+ s/, '')) };
}

test('one that ends and comes back is the same place, and nothing is said of it in between', async () => {
  const { before, between, unplanned, after, leftOpen } = await alone(restarted);

  expect(before.findings).toEqual([expect.stringMatching(REFUSED)]);
  for (const { findings } of [unplanned, between]) {
    expect(findings.filter((text) => !text.includes(' unknown place-gone'))).toEqual([
      expect.stringMatching(/^service@\S+ warn restarting/),
    ]);
  }
  expect(between.problems).toEqual([]);
  expect(withoutTimes(after)).toEqual(withoutTimes(before));
  expect(leftOpen).toEqual([]);
});

test('files of our own network are ours, also while the first thread is in another one', async () => {
  const { there, here } = await alone(readFromElsewhere);

  expect(there).toContain('10.9.9.2');
  expect(here).not.toContain('10.9.9.2');
});

test('what may not be entered is unknown, and says what is missing', async () => {
  const { network, all } = await alone(withoutRights);

  expect(network.problems).toEqual([]);
  expect(network.findings).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^connect@\S+ unknown place-closed: .*CAP_SYS_ADMIN/),
    ]),
  );
  expect(all.blind).toEqual([expect.stringContaining('CAP_SYS_PTRACE')]);
  for (const { findings } of [network, all]) {
    expect(findings.filter((text) => text.includes(' fail ') || text.includes(' warn '))).toEqual(
      [],
    );
  }
});

test('without the right to look whose it is, another network is told from ours', async () => {
  expect(await alone(networksWithoutRights)).toEqual([
    expect.stringMatching(/may not enter the network of the runner: it needs CAP_SYS_ADMIN/),
    'it is ours',
  ]);
});
