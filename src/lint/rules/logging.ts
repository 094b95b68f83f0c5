/** What the runner logs, and how: docs/reference/runner-config.md#keys-of-the-whole-file. */
import { argumentOf } from '../context.ts';
import type { ParsedConfig } from '../parsed-config.ts';
import type { Rule } from '../rule.ts';
import { entryAt, textAt } from '../values.ts';
import type { Violation } from '../violation.ts';
import { atKey, atValue, lineOf, rewritten, shown } from '../violation.ts';

const LOG_LEVELS = ['panic', 'fatal', 'error', 'warn', 'warning', 'info', 'debug', 'trace'];
const LOG_FORMATS = ['runner', 'text', 'json'];
const DIES_BY_LOG =
  'The process exits at its start; at a reload the rest of the new configuration is already active when it complains.';

export const LOGGING_RULES: readonly Rule[] = [
  {
    code: 'G10',
    name: 'log-level-unknown',
    severity: 'error',
    effect: 'start',
    title: '`log_level` is none that the runner knows',
    consequence: DIES_BY_LOG,
    fix: `Write one of ${LOG_LEVELS.join(', ')}, or remove the line.`,
    check: (config) => word(config, 'log_level', LOG_LEVELS, 'info'),
  },
  {
    code: 'G11',
    name: 'log-format-unknown',
    severity: 'error',
    effect: 'start',
    title: '`log_format` is none that the runner knows',
    consequence: DIES_BY_LOG,
    fix: `Write one of ${LOG_FORMATS.join(', ')} in small letters, or remove the line.`,
    check: (config) => word(config, 'log_format', LOG_FORMATS, 'runner'),
  },
  {
    code: 'G12',
    name: 'log-setting-overridden',
    severity: 'warning',
    title: 'The environment or a flag of the process decides what the file says too',
    consequence: 'The value in the file is ignored.',
    fix: 'Remove it from the unit, or from the file.',
    needs: ['process'],
    check: ({ root }, { process, environment = {} }) =>
      (['log_level', 'log_format'] as const).flatMap((key) => {
        const found = entryAt(root, key);
        const variable = [key.toUpperCase(), 'RUNNER_DEBUG'].find(
          (name) => (environment[name] ?? '') !== '',
        );
        const flag = key === 'log_level' ? ['--log-level', '-l'] : ['--log-format'];
        const given = process === undefined ? undefined : argumentOf(process, ...flag);
        const by = variable ?? (given === undefined ? undefined : flag[0]);
        if (found === undefined || by === undefined) return [];
        return [atKey(found, `${key} is overridden by ${by} of the runner’s process`, { key })];
      }),
  },
  {
    code: 'G13',
    name: 'log-hides-lost-gitlab',
    severity: 'warning',
    title: 'The log hides that GitLab cannot be reached',
    consequence: 'Failed requests for jobs are warnings, which this level leaves out.',
    fix: 'Write "warning" or "info".',
    check: ({ root }) => {
      const found = textAt(root, 'log_level');
      const isBlind = ['error', 'fatal', 'panic'].includes(found?.value.toLowerCase() ?? '');
      if (found === undefined || !isBlind) return [];
      return [
        atValue(
          found.entry,
          `log_level ${shown('log_level', found.value)} hides every failed request`,
          { key: 'log_level', corrected: 'log_level = "warning"' },
        ),
      ];
    },
  },
  {
    code: 'G14',
    name: 'log-debug-for-ever',
    severity: 'warning',
    title: 'The log is set to debugging for good',
    consequence: 'It grows fast, and every load writes the whole configuration into it.',
    fix: 'Write "info"; debug for an hour with the flag --debug.',
    check: ({ root }) => {
      const found = textAt(root, 'log_level');
      const isLoud = ['debug', 'trace'].includes(found?.value.toLowerCase() ?? '');
      if (found === undefined || !isLoud) return [];
      return [
        atValue(
          found.entry,
          `log_level ${shown('log_level', found.value)} is for an hour, not for good`,
          { key: 'log_level', corrected: 'log_level = "info"' },
        ),
      ];
    },
  },
];

function word(
  { root }: ParsedConfig,
  key: string,
  words: readonly string[],
  fallback: string,
): readonly Violation[] {
  const found = textAt(root, key);
  if (found === undefined) return [];
  const text = key === 'log_level' ? found.value.toLowerCase() : found.value;
  if (words.includes(text)) return [];
  const near = words.find((one) => one === text.toLowerCase().trim());
  const message = `${key} is ${shown(key, found.value)}, and must be one of ${words.join(', ')}`;
  const more =
    near === undefined ? { corrected: lineOf(key, fallback) } : rewritten(found.entry, near);
  return [atValue(found.entry, message, { key, ...more })];
}
