/** Every metric, label, cause and page that deploy/ names exists: in the exposition, the catalogue, the docs. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { catalogue } from '../../src/diagnosis/catalogue/index.ts';
import type { DeployedText } from '../support/deployed-files.ts';
import { DEPLOY, DEPLOYED_TEXTS, RECORDINGS } from '../support/deployed-files.ts';
import {
  EXPOSED,
  groupingsIn,
  matchersIn,
  metricsIn,
  TARGET_LABELS,
  templateLabelsIn,
} from '../support/deployed-names.ts';
import { seriesOf } from '../support/exposition.ts';
import { anchorsOf } from '../support/markdown.ts';

/** On a host with several runners alone. */
const OF_SEVERAL: ReadonlySet<string> = new Set(['config']);
const DOCS = join(import.meta.dirname, '../../docs');
const RECORDED = new Set(RECORDINGS.map(({ record }) => record));
/** Made by rules with label_replace, or by Prometheus. */
const MADE_LABELS = ['via', 'alertname', 'alertstate', '__metrics_path__'];
const ALL_LABELS = new Set([
  ...[...EXPOSED.values()].flat(),
  ...TARGET_LABELS,
  ...MADE_LABELS,
  'le',
]);
/** Everything but the inputs of rule tests, which promtool compares by itself. */
const SHIPPED = DEPLOYED_TEXTS.filter(({ file }) => !file.startsWith('prometheus/tests/'));

/** What is wrong with a text, as lines with the place of each mistake. */
function wrong(
  texts: readonly DeployedText[],
  namesOf: (text: string) => readonly string[],
  isKnown: (name: string) => boolean,
): readonly string[] {
  return texts.flatMap(({ file, at, text }) =>
    namesOf(text)
      .filter((name) => !isKnown(name))
      .map((name) => `${file}, ${at}: ${name}`),
  );
}

function isMetric(name: string): boolean {
  return EXPOSED.has(name) || RECORDED.has(name) || name === 'ALERTS' || name === 'up';
}

function hasLabel(metric: string, label: string): boolean {
  if ((TARGET_LABELS as readonly string[]).includes(label)) return true;
  return EXPOSED.get(metric)?.includes(label) ?? ALL_LABELS.has(label);
}

function wrongMatchersIn(text: string): readonly string[] {
  return matchersIn(text)
    .filter(({ metric, label }) => !hasLabel(metric, label))
    .map(({ metric, label }) => `${metric} has no ${label}`);
}

/** Causes that a text refers the reader to. */
function explainedIn(text: string): readonly string[] {
  const found = text.matchAll(/explain (?<id>[a-z][a-z-]+)/g);
  return [...found].map(({ groups }) => groups?.['id'] ?? '');
}

const isPromQl = ({ at }: DeployedText): boolean => /(?:^|\.)(?:expr|query|definition)$/.test(at);

describe('the tables that this test compares with', () => {
  test('are the names and labels of the golden exposition', () => {
    const golden = seriesOf(readFileSync(join(DOCS, '../test/golden/metrics.txt'), 'utf8'));
    const odd = golden.filter(
      ({ name, labels }) =>
        JSON.stringify(Object.keys(labels).toSorted()) !==
        JSON.stringify(
          EXPOSED.get(name)
            ?.filter((label) => !OF_SEVERAL.has(label))
            .toSorted(),
        ),
    );

    expect(golden.length).toBeGreaterThan(300);
    expect(odd).toEqual([]);
  });
});

describe('every name in deploy/', () => {
  test('of a metric is exposed or recorded, in the inputs of the rule tests too', () => {
    expect(DEPLOYED_TEXTS.filter(isPromQl).length).toBeGreaterThan(100);
    expect(wrong(DEPLOYED_TEXTS, metricsIn, isMetric)).toEqual([]);
  });

  test('of a label that one metric is asked for is a label of that metric', () => {
    expect(wrong(DEPLOYED_TEXTS, wrongMatchersIn, () => false)).toEqual([]);
  });

  test('of a label that series are joined, grouped or described by exists', () => {
    const texts = SHIPPED.filter((text) => isPromQl(text));

    expect(wrong(texts, groupingsIn, (label) => ALL_LABELS.has(label))).toEqual([]);
    expect(wrong(SHIPPED, templateLabelsIn, (label) => ALL_LABELS.has(label))).toEqual([]);
  });

  test('of a label that alerts are matched, grouped or silenced by exists', () => {
    const lists = SHIPPED.filter(({ file, at }) =>
      /^alertmanager\/.*(?:equal|group_by)\.\d+$/.test(`${file} ${at}`.replace(' ', '/')),
    );
    const matchers = SHIPPED.filter(({ at }) => /matchers\.\d+$/.test(at));
    const known = new Set([...ALL_LABELS, 'severity']);

    expect(lists.length).toBeGreaterThan(20);
    expect(
      wrong(
        lists,
        (text) => [text],
        (label) => known.has(label),
      ),
    ).toEqual([]);
    expect(
      wrong(
        matchers,
        (text) => [/^[a-z_]+/.exec(text)?.[0] ?? text],
        (label) => known.has(label),
      ),
    ).toEqual([]);
  });

  test('of a cause, `runnerwatch explain …`, is in the catalogue', () => {
    const ids = new Set(catalogue.map(({ id }) => id));

    expect(wrong(SHIPPED, explainedIn, (id) => ids.has(id))).toEqual([]);
    expect(SHIPPED.flatMap(({ text }) => explainedIn(text))).toContain('tls-expiring-soon');
  });

  test('of a page leads to a heading of docs/, for every cause that an alert may have', () => {
    const anchors = new Map(
      ['causes.md', 'alerts.md'].map((page) => [
        page,
        anchorsOf(readFileSync(join(DOCS, page), 'utf8')),
      ]),
    );
    const links = SHIPPED.filter(({ at }) => at.endsWith('runbook_url'));
    const dead = links.filter(({ text }) => {
      const [, page = '', anchor = ''] = /\/docs\/([a-z]+\.md)#(.+)$/.exec(text) ?? [];
      // What a template fills in is an id of the catalogue, and test/links.test.ts checks all of them.
      return anchor.startsWith('{{')
        ? page !== 'causes.md'
        : anchors.get(page)?.has(anchor) !== true;
    });

    expect(links.length).toBeGreaterThan(15);
    expect(dead).toEqual([]);
  });
});

describe('deploy/grafana/runnerwatch.json', () => {
  const dashboard = JSON.parse(readFileSync(join(DEPLOY, 'grafana/runnerwatch.json'), 'utf8')) as {
    readonly uid: string;
    readonly graphTooltip: number;
    readonly templating: {
      readonly list: readonly { readonly name: string; readonly type: string }[];
    };
    readonly panels: readonly {
      readonly id: number;
      readonly type: string;
      readonly title: string;
      readonly datasource?: { readonly uid: string };
      readonly gridPos: { readonly x: number; readonly y: number; readonly w: number };
      readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
      readonly targets?: readonly { readonly datasource: { readonly uid: string } }[];
    }[];
  };
  const { panels } = dashboard;

  test('has the rows of a fleet from the outside to the inside', () => {
    expect(panels.filter(({ type }) => type === 'row').map(({ title }) => title)).toEqual([
      'Fleet',
      'Causes',
      'Latency by step',
      'Hosts',
      'runnerwatch itself',
    ]);
  });

  test('belongs to no data source, has a fixed uid and variables for job and host', () => {
    const sources = panels.flatMap(({ datasource, targets = [] }) => [
      ...(datasource === undefined ? [] : [datasource.uid]),
      ...targets.map((target) => target.datasource.uid),
    ]);

    expect([dashboard.uid, dashboard.graphTooltip]).toEqual(['runnerwatch', 1]);
    expect(new Set(sources)).toEqual(new Set(['${datasource}']));
    expect(dashboard.templating.list.map(({ name, type }) => [name, type])).toEqual([
      ['datasource', 'datasource'],
      ['job', 'query'],
      ['instance', 'query'],
    ]);
  });

  test('has panels with an id and a unit of their own, within the 24 columns', () => {
    const ids = panels.map(({ id }) => id);
    const buildCauseFromEvents = panels.filter(({ type }) => type !== 'row');

    expect(ids).toEqual([...new Set(ids)]);
    expect(panels.filter(({ gridPos }) => gridPos.x + gridPos.w > 24)).toEqual([]);
    expect(
      buildCauseFromEvents.filter(({ fieldConfig }) => fieldConfig?.defaults.unit === undefined),
    ).toEqual([]);
  });
});

test('the rules treat as announced what the catalogue says GitLab announces', () => {
  const announced = catalogue.filter(({ isAnnounced }) => isAnnounced === true);
  const ids = announced.map(({ id }) => id).toSorted();
  const named = SHIPPED.filter(isPromQl).flatMap(({ text }) =>
    [...text.matchAll(/cause(?:=|!)~"(?<ids>gitlab-[^"]+)"/g)].map(({ groups }) => groups?.['ids']),
  );

  expect(ids.length).toBeGreaterThan(0);
  expect(new Set(named)).toEqual(new Set([ids.join('|')]));
});
