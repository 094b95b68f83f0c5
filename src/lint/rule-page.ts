/** A rule as text for the terminal. docs/lint.md is made from the same entry. */
import { examplesOf } from './examples.ts';
import type { Rule } from './rule.ts';

const WIDTH = 96;

export const EFFECT_TEXTS = {
  start: 'the process does not start, or dies at its start',
  run: 'the process dies later',
  offline: 'this entry never polls, or is always refused',
  jobs: 'the entry polls, and its jobs fail',
} as const;

export function rulePage(rule: Rule): string {
  const { code, name, severity, effect, title, consequence, fix } = rule;
  const { bad, good } = examplesOf(code);
  const stops = effect === undefined ? '' : `, ${effect}: ${EFFECT_TEXTS[effect]}`;
  return [
    `${code} ${name} (${severity}${stops})`,
    title,
    '',
    ...wrapped(consequence),
    '',
    'Instead of',
    ...indent(bad),
    'write',
    ...indent(good),
    '',
    ...wrapped(fix),
    ...needsOf(rule),
  ].join('\n');
}

const NEEDS = {
  files: 'the files of the runner’s host',
  process: 'the runner’s process',
  host: 'the size of the host',
  history: 'how the file changed, which only the daemon sees',
} as const;

/** What it must see beside the text; empty where the text is all. */
export function needsText({ needs = [] }: Rule): string {
  return needs.map((need) => NEEDS[need]).join('; ');
}

function needsOf(rule: Rule): readonly string[] {
  const text = needsText(rule);
  return text === '' ? [] : ['', ...wrapped(`Beside the text it looks at: ${text}.`)];
}

function indent(text: string): readonly string[] {
  return text.split('\n').map((line) => `    ${line}`);
}

function wrapped(text: string): readonly string[] {
  return text.split(' ').reduce<string[]>((lines, word) => {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length >= WIDTH) return [...lines, word];
    return [...lines.slice(0, -1), `${last} ${word}`];
  }, []);
}
