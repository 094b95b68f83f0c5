/**
 * Keys of the whole file: how many jobs, how often, what is logged:
 * docs/reference/runner-config.md#keys-of-the-whole-file.
 */
import { redactName } from '../../config/runner/redact-value.ts';
import type { ParsedConfig } from '../parsed-config.ts';
import type { Rule } from '../rule.ts';
import { entryAt, filledAt, pairsAt, secondsOf, wholeAt } from '../values.ts';
import type { Violation } from '../violation.ts';
import { atKey, atValue } from '../violation.ts';

/** `key = number` where a number is wrong. */
function whole(
  { root }: ParsedConfig,
  key: string,
  wrong: (value: number) => string | undefined,
  corrected?: string,
): readonly Violation[] {
  const found = wholeAt(root, key);
  const message = found === undefined ? undefined : wrong(found.value);
  if (found === undefined || message === undefined) return [];
  return [
    atValue(found.entry, `${key} is ${found.value}${message}`, {
      key,
      ...(corrected === undefined ? {} : { corrected }),
    }),
  ];
}

export const GLOBAL_RULES: readonly Rule[] = [
  {
    code: 'G01',
    name: 'concurrent-zero',
    severity: 'error',
    effect: 'run',
    title: '`concurrent` is below 1',
    consequence:
      'The process ends as soon as it has loaded the file: at a reload with all its jobs.',
    fix: 'Set it to 1 or more.',
    check: (config) =>
      whole(
        config,
        'concurrent',
        (value) => (value < 1 ? ', below 1' : undefined),
        'concurrent = 1',
      ),
  },
  {
    code: 'G02',
    name: 'concurrent-absent',
    severity: 'warning',
    title: '`concurrent` is not set',
    consequence: 'It is 1: one job at a time for all entries together.',
    fix: 'Set it at the top of the file to the number of jobs this host bears.',
    check: ({ root, sections }) =>
      entryAt(root, 'concurrent') !== undefined || sections.length === 0
        ? []
        : [
            {
              message: 'concurrent is not set, so one job runs at a time',
              key: 'concurrent',
              corrected: 'concurrent = 4',
            },
          ],
  },
  {
    code: 'G09',
    name: 'check-interval-odd',
    severity: 'warning',
    title: 'The runner asks for jobs rarely, or `check_interval` is negative',
    consequence: 'A job waits up to this long for its pickup; a negative value counts as 3.',
    fix: 'Write seconds up to 60; 3 is the default.',
    check: (config) => [
      ...whole(
        config,
        'check_interval',
        (value) => (value > 60 ? ' seconds' : undefined),
        'check_interval = 3',
      ),
      ...whole(
        config,
        'check_interval',
        (value) => (value < 0 ? ', which counts as 3' : undefined),
        'check_interval = 3',
      ).map((violation): Violation => ({ ...violation, severity: 'info' })),
    ],
  },
  {
    code: 'G21',
    name: 'connections-never-kept',
    severity: 'warning',
    title: '`connection_max_age` is below a second',
    consequence: 'The runner opens a new connection to GitLab for every request.',
    fix: 'Write "15m", which is the default, or "0" to keep connections for ever.',
    check: ({ root }) => {
      const entry = entryAt(root, 'connection_max_age');
      const seconds = secondsOf(entry);
      if (entry === undefined || seconds === undefined || seconds === 0 || seconds >= 1) return [];
      return [
        atValue(entry, `connection_max_age is ${seconds < 0 ? 'negative' : 'below a second'}`, {
          key: 'connection_max_age',
          corrected: 'connection_max_age = "15m"',
        }),
      ];
    },
  },
  {
    code: 'G22',
    name: 'user-without-effect',
    severity: 'warning',
    title: '`user` is set in the file',
    consequence: 'It has no effect: `run` takes the user of its flag --user alone.',
    fix: 'Remove it, and set the user in the unit: `gitlab-runner install --user NAME`.',
    check: ({ root }) => {
      const found = filledAt(root, 'user');
      return found === undefined
        ? []
        : [atKey(found.entry, 'user does nothing in the file', { key: 'user' })];
    },
  },
  {
    code: 'G23',
    name: 'labels-invalid',
    severity: 'error',
    effect: 'start',
    title: 'A label does not fit, or there are more than 32',
    consequence: 'The runner refuses the file.',
    fix: 'Names have 3 to 65 and values 1 to 256 characters out of letters, digits, dot, - and _; at most 32 of an entry and the file together.',
    check: labels,
  },
  {
    code: 'G24',
    name: 'no-entries',
    severity: 'warning',
    title: 'There is no [[runners]]',
    consequence: 'The runner starts, idles and says nothing.',
    fix: 'Register a runner, or check that this is the file it was registered into.',
    check: ({ root, sections }) =>
      sections.length > 0 || entryAt(root, 'runners')?.value.kind === 'table'
        ? []
        : [{ message: 'the file has no [[runners]], so nobody is served' }],
  },
];

const LABEL_NAME = /^\w[\w.-]{2,64}$/;
const LABEL_VALUE = /^[\w.-]{1,256}$/;
const MOST_LABELS = 32;

function labels({ root, sections }: ParsedConfig): readonly Violation[] {
  const global = pairsAt(root, 'labels');
  const own = sections.flatMap((section): readonly Violation[] => {
    const { table, number: entry, label } = section;
    const pairs = pairsAt(table, 'labels');
    const count = new Set([...global, ...pairs].map(({ name }) => name)).size;
    const violations = pairs
      .flatMap((pair) => labelViolations(pair))
      .map((violation) => ({ ...violation, entry }));
    if (count <= MOST_LABELS) return violations;
    const message = `${label} has ${count} labels together with those of the file, and at most ${MOST_LABELS} are taken`;
    return [...violations, { place: table.place, entry, key: 'runners.labels', message }];
  });
  return [...global.flatMap((pair) => labelViolations(pair)), ...own];
}

function labelViolations({
  name,
  text,
  entry,
}: ReturnType<typeof pairsAt>[number]): readonly Violation[] {
  const more = { key: 'labels' };
  if (!LABEL_NAME.test(name)) {
    return [atKey(entry, `the label name "${redactName(name)}" does not fit`, more)];
  }
  if (LABEL_VALUE.test(text)) return [];
  return [atValue(entry, `the value of the label ${redactName(name)} does not fit`, more)];
}
