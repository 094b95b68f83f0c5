/**
 * A catalogue entry as text: what the cause means, its evidence, causes with similar symptoms and their evidence,
 * the fix. `runnerwatch explain` prints it; docs/causes.md is made from the same parts.
 */
import { wrapText } from '../core/columns.ts';
import type { FixStep } from '../core/diagnosis.ts';
import { SEVERITY_MEANINGS } from '../core/vocabulary.ts';
import { catalogue } from './catalogue/index.ts';
import type { CauseSpec } from './cause-spec.ts';
import { PLACEHOLDERS } from './cause-spec.ts';

const WIDTH = 80;
const TWICE = 2;

/** Another cause with similar symptoms. */
export interface LookAlike {
  readonly id: string;
  /** Its title and evidence; absent if the catalogue does not have it. */
  readonly title?: string;
  readonly evidence?: string;
}

export function lookAlikesOf({ notConfusedWith }: CauseSpec): readonly LookAlike[] {
  return notConfusedWith.map((id) => {
    const other = catalogue.find((spec) => spec.id === id);
    return other === undefined ? { id } : { id, title: other.title, evidence: other.evidence };
  });
}

/** When the cause counts as confirmed, as a sentence. */
export function confirmationText({ confirm }: CauseSpec): string {
  const { results = TWICE, seconds } = confirm ?? {};
  const times =
    results === 1 ? 'Confirmed at once.' : `Confirmed when seen ${results} times in a row.`;
  return seconds === undefined ? times : `${times} It must have lasted ${seconds} s or more.`;
}

/** The steps with placeholders in capitals. */
export function fixSteps(spec: CauseSpec): readonly FixStep[] {
  return spec.fix(PLACEHOLDERS);
}

export function explainPage(spec: CauseSpec, width = WIDTH): string {
  const { id, severity, scope, title, meaning, evidence, resolvedWhen } = spec;
  const wrap = (text: string, label: string): readonly string[] =>
    wrapText(text, label, ' '.repeat(label.length), width);
  const doubles = lookAlikesOf(spec);
  return [
    `${id} (${severity}, ${scope})`,
    ...wrap(title, ''),
    '',
    ...wrap(meaning, ''),
    ...wrap(`${severity}: ${SEVERITY_MEANINGS[severity]}`, ''),
    '',
    'Evidence:',
    ...wrap(`${evidence} ${confirmationText(spec)}`, '  '),
    ...(doubles.length === 0 ? [] : ['', 'Not to be confused with:']),
    ...doubles.flatMap((double) => wrap(lookAlikeText(double), '  - ')),
    '',
    'Fix:',
    ...fixSteps(spec).flatMap(({ text, command }, index) => [
      ...wrap(text, `  ${index + 1}. `),
      ...(command === undefined ? [] : [`       ${command}`]),
    ]),
    '',
    ...wrap(`Clears when ${resolvedWhen}.`, ''),
  ].join('\n');
}

function lookAlikeText({ id, title, evidence }: LookAlike): string {
  return title === undefined ? id : `${id}: ${title}. Evidence: ${evidence ?? ''}`;
}
