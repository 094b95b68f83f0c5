/** Findings as a compiler prints them: severity and rule, position, the line with a caret, what to write. */
import type { LintFinding, LintReport, LintSeverity } from '../core/lint.ts';
import { LINT_SEVERITIES } from '../core/lint.ts';
import { maskLine, widthAt } from './excerpt.ts';

interface Style {
  readonly colour: boolean;
}

const COLOURS: Readonly<Record<LintSeverity | 'dim' | 'bold', string>> = {
  error: '31;1',
  warning: '33;1',
  info: '36;1',
  dim: '2',
  bold: '1',
};

const EFFECTS = {
  start: 'the runner does not start',
  run: 'the runner exits while it works',
  offline: 'this entry gets no jobs',
  jobs: 'its jobs fail',
} as const;

/** `lines` are those of the file; they are masked here. */
export function lintReportText(report: LintReport, lines: readonly string[], style: Style): string {
  const blocks = report.findings.map((finding) => block(finding, lines, style));
  return [...blocks, ...notes(report, style), summary(report, style)].join('\n\n');
}

function paint(text: string, colour: keyof typeof COLOURS, style: Style): string {
  return style.colour ? `\u001B[${COLOURS[colour]}m${text}\u001B[0m` : text;
}

function block(finding: LintFinding, lines: readonly string[], style: Style): string {
  const { rule, name, severity, effect, message, consequence, fix, corrected } = finding;
  const effectText = effect === undefined ? '' : ` (${EFFECTS[effect]})`;
  const title = paint(`${severity}[${rule}]`, severity, style);
  const write = corrected === undefined ? fix : `write ${corrected}`;
  return [
    `${title} ${paint(message, 'bold', style)}${effectText}`,
    ...excerpt(finding, lines, style),
    `  = ${consequence}`,
    `  = ${paint('fix:', 'bold', style)} ${write.charAt(0).toLowerCase()}${write.slice(1)}`,
    `  = ${paint(`${name}: runnerwatch explain ${rule}`, 'dim', style)}`,
  ].join('\n');
}

function excerpt(
  { file, line, column = 1, severity }: LintFinding,
  lines: readonly string[],
  style: Style,
): readonly string[] {
  if (line === undefined) return [`  --> ${file}`];
  const where = `  --> ${file}:${line}:${column}`;
  const text = lines[line - 1];
  const masked = text === undefined ? '' : maskLine(text);
  if (text === undefined || column > masked.length + 1) return [where];
  const number = String(line);
  const gap = ' '.repeat(number.length);
  const width = Math.min(widthAt(text, column), Math.max(1, masked.length - column + 1));
  const caret = paint('^'.repeat(width), severity, style);
  return [
    where,
    ` ${gap} |`,
    ` ${number} | ${masked}`,
    ` ${gap} | ${' '.repeat(column - 1)}${caret}`,
  ];
}

function notes({ leftOut }: LintReport, style: Style): readonly string[] {
  if (leftOut.length === 0) return [];
  const lines = leftOut.map(({ rules, because }) => `  ${because}: ${rules.join(' ')}`);
  return [[paint('not checked, or only in part:', 'dim', style), ...lines].join('\n')];
}

function summary({ file, findings, judged }: LintReport, style: Style): string {
  if (!judged) return `${file}: not checked`;
  if (findings.length === 0) return paint(`${file}: no findings`, 'bold', style);
  const counts = LINT_SEVERITIES.flatMap((severity) => {
    const count = findings.filter((finding) => finding.severity === severity).length;
    if (count === 0) return [];
    const noun = severity === 'info' ? 'note' : severity;
    return [paint(`${count} ${noun}${count === 1 ? '' : 's'}`, severity, style)];
  });
  const isFatal = findings.some(({ effect }) => effect === 'start');
  return `${file}: ${counts.join(', ')}${isFatal ? '; the runner does not start with this file' : ''}`;
}
