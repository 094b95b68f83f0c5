/** A catalogue entry as text for the terminal. docs/causes.md is made from the same entry. */
import type { CauseSpec } from './cause-spec.ts';
import { PLACEHOLDERS } from './cause-spec.ts';

const WIDTH = 96;

export function explainPage(spec: CauseSpec): string {
  const { id, severity, scope, title, meaning, evidence, notConfusedWith, resolvedWhen } = spec;
  const fix = spec
    .fix(PLACEHOLDERS)
    .flatMap(({ text, command }, index) => [
      ...wrapped(text, `  ${index + 1}. `),
      ...(command === undefined ? [] : [`       ${command}`]),
    ]);
  return [
    `${id} (${severity}, ${scope})`,
    title,
    '',
    ...wrapped(meaning, ''),
    '',
    ...wrapped(evidence, 'Evidence:  '),
    ...(notConfusedWith.length === 0
      ? []
      : wrapped(notConfusedWith.join(', '), 'Not to be confused with:  ')),
    '',
    'What to do:',
    ...fix,
    '',
    `Resolved when ${resolvedWhen}.`,
  ].join('\n');
}

/** Lines of at most WIDTH characters; the second and later ones stand below the text, not the label. */
function wrapped(text: string, label: string): readonly string[] {
  const lines = text.split(' ').reduce<string[]>((done, word) => {
    const last = done.at(-1) ?? '';
    if (last !== '' && label.length + last.length + word.length < WIDTH) {
      return [...done.slice(0, -1), `${last} ${word}`];
    }
    return [...done, word];
  }, []);
  return lines.map((line, index) => (index === 0 ? label : ' '.repeat(label.length)) + line);
}
