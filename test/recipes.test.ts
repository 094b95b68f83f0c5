/**
 * The recipes of CONTRIBUTING.md, followed in a copy of the repository: a made-up thing of each kind is added in the
 * places that the recipe names and in no other, and everything that should derive from it is there.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { LINT_RULES } from '../src/lint/rules/index.ts';
import { installedCopy } from './support/installed-copy.ts';
import { programArguments } from './support/program-arguments.ts';

const ROOT = join(import.meta.dirname, '..');
const MOST_PLACES = 3;

type Edit = (before: string) => string;

/** The anchor must be in the file, so that an edit cannot silently do nothing. */
function replaced(anchor: string, text: string): Edit {
  return (before) => {
    if (!before.includes(anchor)) throw new Error(`there is no ${JSON.stringify(anchor)}`);
    return before.replace(anchor, () => text);
  };
}

const written =
  (text: string): Edit =>
  () =>
    text;

const PROBE = `/**
 * Is the lamp of this host on?
 *
 * Source    the option \`is_on\`.
 * Measures  brightness_ratio (0..1).
 * Reasons   lamp-off.
 * Unknown   none.
 */
import { defineProbe } from '../core/probe.ts';
import { leadToCauses } from '../core/reason.ts';

export const lamp = defineProbe({
  id: 'lamp',
  title: 'Lamp',
  question: 'Is the lamp of this host on?',
  kind: 'host',
  needs: [],
  intervalSeconds: 60,
  timeoutSeconds: 1,
  options: { is_on: { kind: 'boolean', default: false, help: 'Whether the lamp is on.' } },
  reasons: {
    ...leadToCauses('lamp-off'),
  },
  measures: { brightness_ratio: { help: 'How bright the lamp is.' } },
  run: async (_target, { is_on }) => {
    const measures = { brightness_ratio: Number(is_on) };
    return is_on
      ? { status: 'pass', measures }
      : { status: 'fail', reason: 'lamp-off', detail: 'the lamp is off', measures, facts: { lamp_colour: 'red' } };
  },
});
`;

const PROBE_TEST = `import { expect, test } from 'vitest';

import { lamp } from '../../src/probes/lamp.ts';
import { HOST } from '../support/probes.ts';
import { runProbe } from '../support/run-probe.ts';

test('a lamp that is off fails', async () => {
  expect(await runProbe(lamp, HOST)).toMatchObject({ status: 'fail', reason: 'lamp-off' });
});
`;

const CAUSE = `  hostCause({
    id: 'lamp-is-off',
    title: 'The lamp of this host is off',
    meaning: 'Nobody can see the host.',
    evidence: 'The lamp check fails.',
    notConfusedWith: [],
    from: ['lamp/lamp-off', 'dns/lamp-switch-off'],
    says: (c) => \`the \${c.fact('lamp_colour')} lamp of this host is off\`,
    fix: () => [step('Switch the lamp on.', 'sudo lamp on')],
  }),
`;

const LAB_ROW = `  {
    id: 'X-99',
    title: 'The lamp of the host is off',
    inject: async () => {},
    expect: { cause: 'lamp-is-off', chain: OPEN },
    mustNot: CONNECTIVITY,
  },
`;

/** The numbers of a family have no gap. */
const NEXT_CODE = `G${LINT_RULES.filter(({ code }) => code.startsWith('G')).length + 1}`;

const RULE = `  {
    code: '${NEXT_CODE}',
    name: 'concurrent-huge',
    severity: 'info',
    title: '\`concurrent\` is above 9999',
    consequence: 'The runner takes more jobs than a host can run.',
    fix: 'Set it to 9999 or less.',
    keys: [
      {
        table: '',
        keys: ['concurrent'],
        must: { kind: 'range', of: 'integer', max: 9999 },
        write: '9999',
      },
    ],
  },
`;

const RULE_CASE = `
#== more jobs than a host can run | global
concurrent = 10000 #! ${NEXT_CODE} concurrent = 9999
`;

const FOLLOW_UP = `/**
 * Is the lamp of this host the reason for a name that is not found?
 *
 * Source    none.
 * Reasons   lamp-off.
 */
import { defineFollowUp } from '../core/follow-up.ts';
import { leadToCauses } from '../core/reason.ts';

export const lampSwitch = defineFollowUp({
  id: 'lamp-switch',
  title: 'Lamp switch',
  question: 'Does a name resolve when the lamp is on?',
  after: ['dns/not-found'],
  revises: 'dns',
  cost: 'local',
  timeoutSeconds: 1,
  rememberSeconds: 60,
  reasons: leadToCauses('lamp-switch-off'),
  measures: {},
  subject: (target) => target.id,
  run: async () => ({ status: 'fail', reason: 'lamp-switch-off', detail: 'the switch is off' }),
});
`;

const FOLLOW_UP_TEST = `import { expect, test } from 'vitest';

import { lampSwitch } from '../../src/follow-ups/lamp-switch.ts';

test('it is due after a name that is not found', () => {
  expect(lampSwitch.after).toEqual(['dns/not-found']);
});
`;

const METRIC = `  {
    name: 'runner_entries',
    kind: 'gauge',
    help: 'Number of entries of config.toml.',
    labels: [],
    samples: ({ snapshot }) => [{ labels: {}, value: snapshot.hostContext.contexts[0].runners.length }],
  },
`;

const SETTING = `    lamp_colour: {
      kind: 'text',
      property: 'lampColour',
      applies: 'after-restart',
      choices: ['red', 'green'],
      example: 'red',
      help: 'Colour of the lamp.',
    },
`;

/** Of each recipe: the places of its steps, with their placeholders filled in, and what is done there. */
const RECIPES: Readonly<Record<string, Readonly<Record<string, Edit>>>> = {
  'Add a probe': {
    'src/probes/lamp.ts': written(PROBE),
    'src/probes/index.ts': (before) =>
      replaced(
        '  memory,\n',
        '  memory,\n  lamp,\n',
      )(
        replaced(
          'import { limits }',
          "import { lamp } from './lamp.ts';\nimport { limits }",
        )(before),
      ),
    'test/probes/lamp.test.ts': written(PROBE_TEST),
  },
  'Add a follow-up': {
    'src/follow-ups/lamp-switch.ts': written(FOLLOW_UP),
    'src/follow-ups/index.ts': (before) =>
      replaced(
        '  firewall,\n',
        '  firewall,\n  lampSwitch,\n',
      )(
        replaced(
          'import { otherAddresses }',
          "import { lampSwitch } from './lamp-switch.ts';\nimport { otherAddresses }",
        )(before),
      ),
    'test/follow-ups/lamp-switch.test.ts': written(FOLLOW_UP_TEST),
  },
  'Add a cause': {
    'src/diagnosis/catalogue/host.ts': replaced(
      'export const HOST_CAUSES: readonly CauseSpec[] = [\n',
      `export const HOST_CAUSES: readonly CauseSpec[] = [\n${CAUSE}`,
    ),
    'src/diagnosis/catalogue/facts.ts': replaced(
      '  line: ',
      "  lamp_colour: 'LAMP_COLOUR',\n  line: ",
    ),
    'lab/scenarios/resources.ts': replaced(
      'readonly Row[] = [\n',
      `readonly Row[] = [\n${LAB_ROW}`,
    ),
  },
  'Add a lint rule': {
    'src/config/runner/schema-constraints.ts': replaced(
      'export const CONSTRAINTS: readonly ConstraintRow[] = [\n',
      `export const CONSTRAINTS: readonly ConstraintRow[] = [\n${RULE}`,
    ),
    [`src/lint/examples/${NEXT_CODE}/bad.toml`]: written('concurrent = 10000\n'),
    [`src/lint/examples/${NEXT_CODE}/good.toml`]: written('concurrent = 10\n'),
    'test/fixtures/lint/global.cases': (before) => `${before}${RULE_CASE}`,
  },
  'Add a metric': {
    'src/metrics/families.ts': replaced(
      'const RUNNER_FAMILIES: readonly Family[] = [\n',
      `const RUNNER_FAMILIES: readonly Family[] = [\n${METRIC}`,
    ),
  },
  'Add a setting': {
    'src/config/settings/schema.ts': replaced('  web: {\n', `  web: {\n${SETTING}`),
  },
};

/** `src/probes/<id>.ts` fits every file of that folder; a folder fits what is in it. */
function matchesPattern(pattern: string, path: string): boolean {
  const parts = pattern.split(/<\w+>/).map((part) => RegExp.escape(part));
  return new RegExp(`^${parts.join('[\\w-]+')}${pattern.endsWith('/') ? '' : '$'}`).test(path);
}

/** The places that the steps of a recipe name. */
function placesOf(title: string): readonly string[] {
  const page = readFileSync(join(ROOT, 'CONTRIBUTING.md'), 'utf8');
  const [, section = ''] = page.split(`## ${title}\n`);
  const [steps = ''] = section.split('\n## ');
  return [...steps.matchAll(/^\d+\. `(?<place>[^`]+)`/gm)].map(
    ({ groups }) => groups?.['place'] ?? '',
  );
}

test('every recipe of CONTRIBUTING.md is followed here', () => {
  const page = readFileSync(join(ROOT, 'CONTRIBUTING.md'), 'utf8');
  const titles = [...page.matchAll(/^## (?<title>Add .+)$/gm)].map(
    ({ groups }) => groups?.['title'],
  );

  expect(titles).toEqual(Object.keys(RECIPES));
});

describe.each(Object.entries(RECIPES))('%s', (title, edits) => {
  test('names the places that are edited, three at most', () => {
    const places = placesOf(title);

    expect(places.length).toBeLessThanOrEqual(MOST_PLACES);
    expect(
      Object.keys(edits).filter((path) => !places.some((place) => matchesPattern(place, path))),
    ).toEqual([]);
  });
});

describe('a copy in which each of them was followed', () => {
  let copy: string;
  const node = (...args: readonly string[]) =>
    spawnSync(process.execPath, args, { cwd: copy, encoding: 'utf8' });
  const runnerwatch = (...args: readonly string[]) => {
    const [program, ...rest] = programArguments(args, join(copy, 'host'), copy);
    return spawnSync(program, rest, { cwd: copy, encoding: 'utf8' });
  };

  beforeAll(async () => {
    copy = mkdtempSync(join(tmpdir(), 'runnerwatch-recipes-'));
    await installedCopy(copy);
    for (const [path, edit] of Object.values(RECIPES).flatMap((edits) => Object.entries(edits))) {
      const file = join(copy, path);
      const before =
        path.includes('lamp') || path.includes('/examples/') ? '' : readFileSync(file, 'utf8');
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, edit(before));
    }
    const { status, stderr } = node('tools/docs.ts');
    if (status !== 0) throw new Error(stderr);
  });
  afterAll(() => rmSync(copy, { recursive: true, force: true }));

  test('has no error of types', () => {
    // The packages are links; by their own paths, which tsconfig.json keeps, the compiler knows them.
    expect(node('node_modules/.bin/tsc').stdout).toBe('');
  });

  test.each([
    ['docs/probes.md', 'Is the lamp of this host on?'],
    ['docs/probes.md', 'Does a name resolve when the lamp is on?'],
    ['docs/configuration.md', 'Whether the lamp is on.'],
    ['deploy/runnerwatch.example.toml', '[probes.lamp]'],
    ['docs/metrics.md', 'runnerwatch_lamp_brightness_ratio'],
    ['docs/metrics.md', 'runnerwatch_runner_entries'],
    ['docs/configuration.md', 'Colour of the lamp.'],
    ['deploy/runnerwatch.example.toml', '# lamp_colour = "red"'],
    ['docs/causes.md', '## lamp-is-off'],
    ['docs/lint.md', `### ${NEXT_CODE} concurrent-huge`],
  ])('%s says %j', (name, text) => {
    expect(readFileSync(join(copy, name), 'utf8')).toContain(text);
  });

  test.each([
    [['explain', 'lamp-is-off'], 'sudo lamp on'],
    [['explain', NEXT_CODE], 'more jobs than a host can run'],
    [['lint', `src/lint/examples/${NEXT_CODE}/bad.toml`], NEXT_CODE],
  ])('`runnerwatch %j` says %j', (args, text) => {
    expect(runnerwatch(...args).stdout).toContain(text);
  });

  test.each([
    ['red', 0, ''],
    ['blue', 1, 'one of red, green'],
  ])('accepts or refuses the colour %s', (colour, status, text) => {
    const file = join(copy, 'settings.toml');
    writeFileSync(file, `[web]\nlamp_colour = "${colour}"\n`);

    const checked = runnerwatch('--config.check', `--config.file=${file}`);
    expect(checked.status).toBe(status);
    expect(checked.stderr).toContain(text);
  });

  test('names the cause, shows its check and counts the entries', async () => {
    const { stdout } = runnerwatch('check', '--format=json');
    const report = JSON.parse(stdout) as {
      readonly causes: readonly { readonly id: string }[];
      readonly checks: readonly { readonly id: string }[];
    };

    expect(report.causes.map(({ id }) => id)).toContain('lamp-is-off');
    expect(report.checks.map(({ id }) => id)).toContain('lamp@host');
  });

  test('passes the tests that every probe, cause, rule and metric passes', () => {
    const files = [
      'test/registry.test.ts',
      'test/conformance.test.ts',
      'test/probes/lamp.test.ts',
      'test/follow-ups/lamp-switch.test.ts',
      'test/diagnosis/laws.test.ts',
      'test/diagnosis/catalogue.test.ts',
      'test/lint/rules.test.ts',
      'test/lint/cases.test.ts',
      'test/metrics/public-metrics.test.ts',
    ];
    // They are pure and few: a second worker would only load and translate all of the source once more.
    const oneWorker = ['--maxWorkers=1'];
    const words = ['run', '--reporter=dot', ...oneWorker, ...files];
    const { status, stdout } = node('node_modules/.bin/vitest', ...words);

    expect(status === 0 ? '' : stdout).toBe('');
  });
});
