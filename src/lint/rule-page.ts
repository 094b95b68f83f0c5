/** A rule as text for the terminal. docs/lint.md contains the same texts. */
import { wrapText } from '../core/columns.ts';
import { examplesOf } from './examples.ts';
import type { Rule } from './rule.ts';

const WIDTH = 96;

export const EFFECT_TEXTS = {
  start: 'the runner process does not start, or exits at its start',
  run: 'the runner process exits later',
  offline: 'this entry gets no jobs: it does not ask, or GitLab rejects it',
  jobs: 'this entry gets jobs, and they fail',
} as const;

export function rulePage(rule: Rule): string {
  const { code, name, severity, effect, title, consequence, fix } = rule;
  const { bad, good } = examplesOf(code);
  const stops = effect === undefined ? '' : `, ${effect}: ${EFFECT_TEXTS[effect]}`;
  return [
    `${code} ${name} (${severity}${stops})`,
    title,
    '',
    ...wrapLines(consequence),
    '',
    'Instead of',
    ...indent(bad),
    'write',
    ...indent(good),
    '',
    ...wrapLines(fix),
    ...needsOf(rule),
  ].join('\n');
}

const NEEDS = {
  files: 'the files of the host',
  process: 'the runner process',
  host: 'the size of the host',
  history: 'earlier versions of the file, which only the daemon sees',
} as const;

/** What the rule reads beside the text; empty for nothing. */
export function needsText({ needs = [] }: Rule): string {
  return needs.map((need) => NEEDS[need]).join('; ');
}

function needsOf(rule: Rule): readonly string[] {
  const text = needsText(rule);
  return text === '' ? [] : ['', ...wrapLines(`Also reads: ${text}.`)];
}

function indent(text: string): readonly string[] {
  return text.split('\n').map((line) => `    ${line}`);
}

function wrapLines(text: string): readonly string[] {
  return wrapText(text, '', '', WIDTH);
}
