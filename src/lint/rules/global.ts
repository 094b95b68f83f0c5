/** Keys of the whole file that need more than their own value to be judged. */
import { redactName } from '../../config/runner/redact-value.ts';
import { flagValue } from '../../core/flag-value.ts';
import type { ParsedConfig } from '../parsed-config.ts';
import type { Rule } from '../rule.ts';
import { entryAt, pairsAt } from '../values.ts';
import type { Violation } from '../violation.ts';
import { atKey, atValue } from '../violation.ts';

export const GLOBAL_RULES: readonly Rule[] = [
  {
    code: 'G02',
    name: 'concurrent-absent',
    severity: 'warning',
    title: '`concurrent` is not set',
    consequence: 'The default is 1: all entries together run one job at a time.',
    fix: 'Set it at the top of the file to the number of jobs that this host can run at once.',
    check: ({ root, sections }) =>
      entryAt(root, 'concurrent') !== undefined || sections.length === 0
        ? []
        : [
            {
              message: 'concurrent is not set, so that one job runs at a time',
              key: 'concurrent',
              corrected: 'concurrent = 4',
            },
          ],
  },
  {
    code: 'G12',
    name: 'log-setting-overridden',
    severity: 'warning',
    title: 'The environment or a flag of the runner process overrides the log settings',
    consequence: 'The value in the file is ignored.',
    fix: 'Remove it from the environment or the command line of the runner process, or from the file.',
    needs: ['process'],
    check: ({ root }, { process, environment = {} }) =>
      (['log_level', 'log_format'] as const).flatMap((key) => {
        const found = entryAt(root, key);
        const variable = [key.toUpperCase(), 'RUNNER_DEBUG'].find(
          (name) => (environment[name] ?? '') !== '',
        );
        const flag = key === 'log_level' ? ['--log-level', '-l'] : ['--log-format'];
        const given = process === undefined ? undefined : flagValue(process.arguments, ...flag);
        const by = variable ?? (given === undefined ? undefined : flag[0]);
        if (found === undefined || by === undefined) return [];
        return [atKey(found, `${by} of the runner process overrides ${key}`, { key })];
      }),
  },
  {
    code: 'G23',
    name: 'labels-invalid',
    severity: 'error',
    effect: 'start',
    title: 'A label is invalid, or there are more than 32',
    consequence: 'The runner does not load the file.',
    fix: 'Use names of 3 to 65 and values of 1 to 256 characters, made of letters, digits, ".", "-" and "_"; at most 32 labels for an entry, those of the whole file included.',
    check: labels,
  },
  {
    code: 'G24',
    name: 'no-entries',
    severity: 'warning',
    title: 'The file has no [[runners]]',
    consequence: 'The runner starts, takes no jobs and logs nothing about it.',
    fix: 'Register a runner, or check that the runner was registered into this file.',
    check: ({ root, sections }) =>
      sections.length > 0 || entryAt(root, 'runners')?.value.kind === 'table'
        ? []
        : [{ message: 'the file has no [[runners]], so this runner takes no jobs' }],
  },
];

const LABEL_NAME = /^\w[\w.-]{2,64}$/;
const LABEL_VALUE = /^[\w.-]{1,256}$/;
const MAX_LABELS = 32;

function labels({ root, sections }: ParsedConfig): readonly Violation[] {
  const global = pairsAt(root, 'labels');
  const own = sections.flatMap((section): readonly Violation[] => {
    const { table, number: entry, label } = section;
    const pairs = pairsAt(table, 'labels');
    const count = new Set([...global, ...pairs].map(({ name }) => name)).size;
    const violations = pairs.flatMap(labelViolations).map((one) => ({ ...one, entry }));
    if (count <= MAX_LABELS) return violations;
    const message = `${label} has ${count} labels with those of the whole file, more than ${MAX_LABELS}`;
    return [...violations, { position: table.position, entry, key: 'runners.labels', message }];
  });
  return [...global.flatMap(labelViolations), ...own];
}

function labelViolations({
  name,
  text,
  entry,
}: ReturnType<typeof pairsAt>[number]): readonly Violation[] {
  const more = { key: 'labels' };
  const shown = redactName(name);
  if (!LABEL_NAME.test(name)) return [atKey(entry, `label name "${shown}" is invalid`, more)];
  if (LABEL_VALUE.test(text)) return [];
  return [atValue(entry, `the value of label ${shown} is invalid`, more)];
}
