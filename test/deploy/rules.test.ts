/** The rules and the configuration in deploy/: what Prometheus’ own tools say of them, and the form of alerts. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';

import { ALERTS, DEPLOY, RECORDINGS } from '../support/deployed-files.ts';
import { reply, startHttpServer } from '../support/http-server.ts';
import { startPrometheus } from '../support/prometheus.ts';
import { until } from '../support/until.ts';

const PROMETHEUS = join(DEPLOY, 'prometheus');
const TESTS = ['fleet', 'hosts', 'expiry', 'watch'];
const RULES = [...ALERTS, ...RECORDINGS];
const NAMES = [...new Set(ALERTS.map(({ alert }) => alert))];

function ran(program: string, words: readonly string[]) {
  // Its garbage is collected seldom: it does not live long.
  const env = { ...process.env, GOGC: '400' };
  const { status, stdout, stderr } = spawnSync(program, words, { encoding: 'utf8', env });
  return { status, stdout, output: stdout + stderr };
}

function testRules(folder: string, name: string) {
  const { status, output } = ran('promtool', ['test', 'rules', `${folder}/tests/${name}.yml`]);
  return { status, output };
}

describe('the tools of Prometheus', () => {
  test('read each rule file, the scrape configuration and the one of Alertmanager', () => {
    const config = ran('promtool', ['check', 'config', join(PROMETHEUS, 'scrape.yml')]);
    const routing = ran('amtool', ['check-config', join(DEPLOY, 'alertmanager/alertmanager.yml')]);

    expect([config.status, config.output.match(/SUCCESS: \d+ rules found/g)]).toEqual([
      0,
      expect.toSatisfy((found: readonly string[]) => found.length === 5),
    ]);
    expect(routing.status).toBe(0);
  });

  test.each(TESTS)('have nothing to say of the rules on the series of tests/%s.yml', (name) => {
    expect(testRules(PROMETHEUS, name)).toEqual({
      status: 0,
      output: expect.stringContaining('SUCCESS'),
    });
  });

  describe('see it', () => {
    const names = [...NAMES, ...RECORDINGS.filter(isUsed).map(({ record }) => record)];
    let unseen: readonly string[];
    beforeAll(() => {
      unseen = unseenOf(names);
    });

    test.each(names)('when %s never holds', (name) => {
      expect(unseen).not.toContain(name);
    });
  });
});

/** One series of one file, in the form of a file of its own. */
interface Series {
  readonly file: string;
  readonly text: string;
}

const SERIES: readonly Series[] = TESTS.flatMap((file) => {
  const all = parse(readFileSync(join(PROMETHEUS, 'tests', `${file}.yml`), 'utf8')) as {
    readonly tests: readonly object[];
  };
  return all.tests.map((one) => ({ file, text: stringify({ ...all, tests: [one] }) }));
});

function fileOf(name: string): string {
  const path = RULES.find((rule) => isNamed(rule, name))?.file ?? '';
  return path.split('/').at(-1) ?? '';
}

/** Those that ask for the rule, or for one that rests on it. */
function seriesFor(name: string): readonly Series[] {
  const names = restingOn(name);
  return SERIES.filter(({ text }) => names.some((asked) => text.includes(asked)));
}

/** The rule, and every rule whose expression leads to it. */
function restingOn(name: string): readonly string[] {
  const direct = RULES.filter(({ expr }) => expr.includes(name));
  return [name, ...direct.flatMap((rule) => restingOn('alert' in rule ? rule.alert : rule.record))];
}

/** A copy of the rules in which one of them never holds, and the series that may show it. */
interface Mutant {
  readonly name: string;
  readonly folder: string;
  readonly series: readonly Series[];
}

/** The rules that may never hold without any series that shows it. */
function unseenOf(names: readonly string[]): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), 'runnerwatch-mutants-'));
  try {
    let left: readonly Mutant[] = names.map((name) => mutantOf(name, join(folder, name)));
    for (let index = 0; left.some(({ series }) => index < series.length); index++)
      left = survivorsOf(left, index);
    return left.map(({ name }) => name);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function mutantOf(name: string, folder: string): Mutant {
  cpSync(PROMETHEUS, folder, { recursive: true });
  const path = join(folder, 'rules', fileOf(name));
  writeFileSync(path, silenced(readFileSync(path, 'utf8'), name));
  return { name, folder, series: seriesFor(name) };
}

/** Tries one series on each mutant, all of them in one start of the tool; it says no word of those that fail. */
function survivorsOf(mutants: readonly Mutant[], index: number): readonly Mutant[] {
  const tried = mutants.flatMap((mutant) => {
    const one = mutant.series[index];
    if (one === undefined) return [];
    const file = join(mutant.folder, 'tests', `${one.file}.yml`);
    writeFileSync(file, one.text);
    return [{ mutant, file }];
  });
  const { stdout } = ran('promtool', ['test', 'rules', ...tried.map(({ file }) => file)]);
  const parts = stdout.split(/^Unit Testing: +/m).slice(1);
  expect(parts.map((part) => part.split('\n')[0])).toEqual(tried.map(({ file }) => file));
  const seen = new Set(
    tried.filter((_, at) => !parts[at]?.includes('SUCCESS')).map(({ mutant }) => mutant),
  );
  return mutants.filter((mutant) => !seen.has(mutant));
}

/** The one that only the dashboard shows is not asked for by an alert. */
function isUsed({ record }: { readonly record: string }): boolean {
  return record !== 'job_verdict:runnerwatch_verdict:hosts';
}

function isNamed(rule: object, name: string): boolean {
  return Object.values(rule).includes(name);
}

/** With an expression that never holds in place of that of each rule of this name. */
function silenced(text: string, name: string): string {
  const file = parse(text) as { groups: { rules: { expr: string }[] }[] };
  for (const rule of file.groups.flatMap(({ rules }) => rules))
    if (isNamed(rule, name)) rule.expr = 'vector(0) > 1';
  return stringify(file);
}

describe('every alert', () => {
  test.each(ALERTS.map((rule) => [rule.alert, rule.labels['severity'], rule] as const))(
    '%s (%s) has the form that peers have',
    (alert, severity, { for: after, annotations }) => {
      expect(alert).toMatch(/^GitLabRunner[A-Z][A-Za-z]+$/);
      expect(severity).toMatch(/^(?:critical|warning|info)$/);
      expect(after).toMatch(/^\d+[smh]$/);
      expect(Object.keys(annotations).toSorted()).toEqual([
        'description',
        'runbook_url',
        'summary',
      ]);
      // Host and cause may be named, nothing that needs a query.
      expect(annotations['summary']).toMatch(
        /^(?:[^{]*\.|GitLab Runner on \{\{ \$labels\.instance \}\} [^{]*\{\{ \$labels\.cause \}\})$/,
      );
      expect(annotations['runbook_url']).toMatch(/^https:\/\/.*\/docs\/(?:causes|alerts)\.md#/);
    },
  );

  test('that is about a cause says how to see the fix', () => {
    const silent = ALERTS.filter(({ annotations }) =>
      annotations['runbook_url']?.includes('causes.md#{{'),
    ).filter(({ annotations }) => !annotations['description']?.includes('runnerwatch explain {{'));

    expect(silent).toEqual([]);
  });
});

test('the command of docs/fleet.md points every link of the alerts at another place', () => {
  const page = readFileSync(join(DEPLOY, '../docs/fleet.md'), 'utf8');
  const [, from = '', to = ''] = /sed -i 's\|([^|]+)\|([^|]+)\|' /.exec(page) ?? [];
  const moved = ALERTS.map(({ annotations }) => annotations['runbook_url']?.replace(from, to));

  expect(from).toMatch(/^https:/);
  expect(moved.filter((url) => url?.startsWith(`${to}/docs/`) !== true)).toEqual([]);
});

/** The names of the examples as addresses of loopback, on which nothing listens. */
function onLoopback(text: string, names: string[]): string {
  return text.replaceAll(/ci-\d+\.[a-z]+\.example\.com/g, (name) => {
    if (!names.includes(name)) names.push(name);
    return `127.0.1.${names.indexOf(name) + 1}`;
  });
}

test('file_sd and http_sd of the example find one fleet, each host with its site', async () => {
  const names: string[] = [];
  const folder = mkdtempSync(join(tmpdir(), 'runnerwatch-discovery-'));
  const textOf = (name: string): string =>
    onLoopback(readFileSync(join(PROMETHEUS, name), 'utf8'), names);
  try {
    writeFileSync(join(folder, 'runnerwatch.yml'), textOf('targets/runnerwatch.yml'));
    const listed = reply(200, textOf('targets/http-sd.json'), { type: 'application/json' });
    await using inventory = await startHttpServer(() => listed);
    const config = textOf('scrape.yml');
    const scrapes = config
      .slice(config.indexOf('scrape_configs:'))
      .replace('targets/runnerwatch.yml', join(folder, 'runnerwatch.yml'))
      .replace('127.0.0.1:8080', `127.0.0.1:${inventory.port}`);
    await using prometheus = await startPrometheus('', scrapes);
    await until(async () => (await prometheus.query('up{job="runnerwatch"}')).length === 9);

    const sites = await prometheus.query('count by (site) (up{job="runnerwatch"})');
    expect(
      Object.fromEntries(sites.map(({ metric, value }) => [metric['site'], value[1]])),
    ).toEqual({ fra: '5', nyc: '4' });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
