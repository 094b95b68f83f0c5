/** The status page as bytes: whole, small, without an inline script, and safe with any name. */
import { describe, expect, test } from 'vitest';

import type { View } from '../../../src/core/view.ts';
import { truncateText } from '../../../src/core/columns.ts';
import { html } from '../../../src/report/page/html.ts';
import { pageOf } from '../../../src/report/page/page.ts';
import { brokenAt, fail, GITLAB, runner, snapshotOf, warn } from '../../support/snapshots.ts';
import { brokenTrustView, withMeasures, viewOf } from '../../support/views.ts';

const WITHOUT_END = new Set(['meta', 'link', 'br', 'hr', 'img', 'input']);
const TAG = /<(\/?)([a-z][a-z0-9]*)((?:\s+[a-zA-Z-]+(?:="[^"<>]*")?)*)\s*(\/?)>/g;

interface Read {
  readonly problems: readonly string[];
  readonly ids: readonly string[];
  readonly links: readonly string[];
  readonly tags: ReadonlySet<string>;
}

/** A strict reader: every tag is well formed and closed in its turn, every sign of text is escaped. */
function read(page: string): Read {
  const problems: string[] = [];
  const open: string[] = [];
  const body = page.replace('<!doctype html>', '').replace(/<style>[^]*?<\/style>/, '');
  const tags = [...body.matchAll(TAG)];
  for (const [, end, name = '', , self] of tags) {
    if (WITHOUT_END.has(name) || self === '/') continue;
    if (end === '') open.push(name);
    else if (open.pop() !== name) problems.push(`</${name}> out of turn`);
  }
  const text = body.replaceAll(TAG, '');
  if (/[<>]/.test(text)) problems.push(`a bare sign near ${/.{0,20}[<>].{0,20}/.exec(text)?.[0]}`);
  if (/&(?!(?:amp|lt|gt|quot|#39);)/.test(text)) problems.push('a bare &');
  if (/\p{Cc}/u.test(page.replaceAll('\n', ''))) problems.push('a control character');
  if (open.length > 0) problems.push(`open: ${open.join(' ')}`);
  const attributes = tags.map(([, , , attribute = '']) => attribute).join(' ');
  const valuesOf = (name: string): readonly string[] =>
    [...attributes.matchAll(new RegExp(` ${name}="([^"]*)"`, 'g'))].map(([, value = '']) => value);
  return {
    problems,
    ids: valuesOf('id'),
    links: valuesOf('href'),
    tags: new Set(tags.map(([, , name = '']) => name)),
  };
}

function manyRunners(length: number): View['snapshot'] {
  const runners = Array.from({ length }, (_, index) =>
    runner(`runner${String(index).padStart(3, '0')}`),
  );
  return withMeasures(snapshotOf({}, { runners }));
}

const VIEWS: readonly (readonly [string, View])[] = [
  ['a healthy host', viewOf(snapshotOf())],
  ['a broken trust', brokenTrustView()],
  ['an unknown cause', viewOf(snapshotOf(brokenAt('tls', fail('never-heard-of'))))],
  ['no entry at all', viewOf(snapshotOf({ config: fail('no-runners') }, { runners: [] }))],
  [
    'two refused tokens',
    viewOf(
      snapshotOf({ 'token@runnerAA1': fail('rejected'), 'token@runnerAA2': fail('rejected') }),
    ),
  ],
  [
    'settings that did not load',
    viewOf(snapshotOf(), {
      settings: { successful: false, successAt: 0, problem: 'line 3 <oops>', needRestart: [] },
    }),
  ],
  ['the demo', viewOf(snapshotOf(), { demo: true })],
];

describe.each(VIEWS)('the page of %s', (_what, view) => {
  const page = pageOf(view);
  const { problems, ids, links, tags } = read(page);

  test('is whole: every tag closed, every id once, every link within it with an end', () => {
    expect(problems).toEqual([]);
    expect(ids).toEqual([...new Set(ids)]);
    expect(links.filter((link) => link.startsWith('#') && !ids.includes(link.slice(1)))).toEqual(
      [],
    );
  });

  test('has no script but its own file, and nothing from elsewhere', () => {
    expect([...tags].filter((tag) => ['img', 'iframe', 'object', 'form'].includes(tag))).toEqual(
      [],
    );
    expect(page.match(/<script[^>]*>/g)).toEqual(['<script src="page.js" defer>']);
    expect(page).not.toMatch(/\son[a-z]+=|javascript:|@import|url\(/i);
    expect(links.filter((link) => !/^[#/]/.test(link))).toEqual([]);
  });

  test('says the verdict and the summary', () => {
    expect(page).toContain(`<h1>${view.diagnosis.verdict}</h1>`);
    expect(page).toContain(html`<p>${view.diagnosis.summary}</p>`.text);
  });
});

describe('hostile names', () => {
  const NAMES = [
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    '&lt;b&gt;',
    '</style></title><b>',
    '\u202Eesrever',
    '\u0000\u0007',
    'x'.repeat(300),
  ];

  test.each(NAMES)('%j is text everywhere', (name) => {
    const runners = [runner('runnerAA1', { name, executor: name })];
    const findings = {
      dns: { ...warn('slow'), detail: name } as const,
      token: { ...fail('rejected'), detail: `GitLab refuses ${name}` } as const,
    };
    const view = viewOf(snapshotOf(findings, { runners }), { hostFacts: { name } });
    const snapshot = {
      ...view.snapshot,
      hostContext: { ...view.snapshot.hostContext, host: name },
    };
    const page = pageOf({ ...view, snapshot });
    const { problems, tags } = read(page);

    expect(problems).toEqual([]);
    expect(page.match(/<script/g)).toHaveLength(1);
    expect(tags.has('img')).toBe(false);
    expect(page).not.toMatch(/[\u202A-\u202E\u2066-\u2069]/);
    expect(page).toContain(html`<h3>${truncateText(name, 80)}</h3>`.text);
  });

  test('an address of an entry is shown and not a link to follow', () => {
    const runners = [runner('runnerAA1', { url: 'javascript:alert(1)', endpoint: GITLAB })];

    expect(read(pageOf(viewOf(snapshotOf({}, { runners })))).links).not.toContain(
      'javascript:alert(1)',
    );
  });
});

describe.each([50, 500])('with %i entries', (length) => {
  test.each([
    ['healthy', (snapshot: View['snapshot']) => snapshot],
    [
      'behind a broken path',
      (snapshot: View['snapshot']) => ({
        ...snapshot,
        checks: snapshot.checks.map((state) =>
          state.check.probe.id === 'tls' ? { ...state, finding: fail('expired') } : state,
        ),
      }),
    ],
    [
      'all refused',
      (snapshot: View['snapshot']) => ({
        ...snapshot,
        checks: snapshot.checks.map((state) =>
          state.check.probe.id === 'token'
            ? { ...state, finding: fail('rejected', { line: 7 }) }
            : state,
        ),
      }),
    ],
  ])('it stays below 100 KB, %s', (_state, change) => {
    const page = pageOf(viewOf(change(manyRunners(length))));

    expect(read(page).problems).toEqual([]);
    expect(Buffer.byteLength(page)).toBeLessThan(100_000);
  });
});

test('of many entries the worst are drawn, and the rest is counted', () => {
  const snapshot = manyRunners(500);
  const last = 'token@runner499';
  const checks = snapshot.checks.map((state) =>
    state.check.id === last ? { ...state, finding: fail('rejected') } : state,
  );
  const page = pageOf(viewOf({ ...snapshot, checks }));

  expect(page.match(/<article class="runner /g)).toHaveLength(60);
  expect(page).toContain('id="links-runner499"');
  expect(page.replaceAll(/\s+/g, ' ')).toContain('And 440 more: 440 work.');
});

test('the style is one block, and its bytes are those that the policy names', () => {
  const page = pageOf(brokenTrustView());

  expect(page.match(/<style>/g)).toHaveLength(1);
  expect(page).not.toContain('style=');
});
