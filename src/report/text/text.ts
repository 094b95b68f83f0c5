/**
 * The report as text: `runnerwatch check`, `/health?format=text`. Verdict first, then causes and fixes, then the
 * rest. Lines fit the given width, except commands, which are never wrapped. Values from outside are escaped, so
 * that they cannot end a line or move the cursor.
 */
import type { CheckState } from '../../core/check.ts';
import type { Cause, Diagnosis, RunnerVerdict } from '../../core/diagnosis.ts';
import { printable } from '../../core/printable.ts';
import { shownCauses } from '../../core/verdict.ts';
import type { View } from '../../core/view.ts';
import type { Status } from '../../core/vocabulary.ts';
import { truncateText, padText, wrapText } from '../../core/columns.ts';
import { lintLines } from './lint-lines.ts';
import { formatDuration } from '../../core/duration-text.ts';
import {
  executorStatus,
  priorChangeText,
  stateOfCause,
  FOUND_BY_TEXT,
  processText,
} from '../format.ts';
import { sortBySeverity } from '../../core/vocabulary.ts';

const WIDTH = 80;
/** A longer name of an entry is cut in the table. */
const MAX_NAME_LENGTH = 32;

export interface TextOptions {
  readonly colour: boolean;
  /** Columns; 80 by default. */
  readonly width?: number;
}

interface Pen {
  readonly width: number;
  readonly paint: (text: string, style: keyof typeof STYLES) => string;
  /** The text after a label, further lines after the indent. */
  readonly wrap: (text: string, label: string, indent: string) => readonly string[];
}

const STYLES = { good: 32, warn: 33, bad: 31, dim: 2, bold: 1 } as const;
const ESCAPE = '\u001B[';

const VERDICT_STYLE = { healthy: 'good', degraded: 'warn', broken: 'bad', unsure: 'warn' } as const;
const SEVERITY_STYLE = { critical: 'bad', warning: 'warn', notice: 'warn', info: 'dim' } as const;

export function textOf(view: View, options: TextOptions): string {
  const pen = penOf(options);
  const { snapshot } = view;
  const diagnosis = printableDiagnosis(view.diagnosis);
  const head = `${pen.paint(diagnosis.verdict.toUpperCase(), VERDICT_STYLE[diagnosis.verdict])}  ${diagnosis.summary}`;
  const lines = [
    ...(view.self.demo ? ['This is a demo: GitLab and the runner are simulated.', ''] : []),
    ...pen.wrap(head, '', '  '),
    ...sortBySeverity(shownCauses(diagnosis)).flatMap((cause) => [
      '',
      ...causeLines(cause, snapshot.takenAt, pen),
    ]),
    ...candidateLines(diagnosis, pen),
    '',
    ...runnerLines(diagnosis.runners, pen),
    '',
    ...hostLines(view, pen),
    '',
    ...configLines(view, pen),
    ...footLines(view, pen),
  ];
  return lines.join('\n');
}

function penOf({ colour, width = WIDTH }: TextOptions): Pen {
  return {
    width,
    paint: (text, style) => (colour ? `${ESCAPE}${STYLES[style]}m${text}${ESCAPE}0m` : text),
    wrap: (text, label, indent) => wrapText(text, label, indent, width),
  };
}

/** Names, addresses and answers come from outside; a diagnosis is plain data. */
function printableDiagnosis(diagnosis: Diagnosis): Diagnosis {
  return JSON.parse(JSON.stringify(diagnosis), (_key, value: unknown) =>
    typeof value === 'string' ? printable(value) : value,
  ) as Diagnosis;
}

function causeLines(cause: Cause, now: number, { paint, wrap }: Pen): readonly string[] {
  const { id, severity, title, evidence, ruledOut, fix, resolvedWhen } = cause;
  const { changedBefore = [] } = cause;
  const tag = `${severity}, ${stateOfCause(cause)}, since ${formatDuration((now - cause.since) / 1000)}`;
  return [
    `${paint(id, SEVERITY_STYLE[severity])}  (${tag})`,
    ...wrap(title, '  ', '  '),
    ...evidence.flatMap(({ check, text }) =>
      wrap(`${check}: ${text}`, '  evidence   ', '             '),
    ),
    ...changedBefore.flatMap((change) =>
      wrap(priorChangeText(change), '  changed    ', '             '),
    ),
    ...(ruledOut.length === 0
      ? []
      : wrap(
          ruledOut.map((item) => `${item.id} (${item.because})`).join(', '),
          '  ruled out  ',
          '             ',
        )),
    `  ${paint('fix', 'bold')}`,
    ...fix.flatMap(({ text, command }, index) => [
      ...wrap(text, `    ${index + 1}. `, '       '),
      // A command is never wrapped, so that it can be copied.
      ...(command === undefined ? [] : [`       ${paint(command, 'bold')}`]),
    ]),
    ...wrap(`when ${resolvedWhen}`, '  clears     ', '             '),
  ];
}

function candidateLines({ candidates }: Diagnosis, { wrap }: Pen): readonly string[] {
  if (candidates.length === 0) return [];
  return [
    '',
    'possible causes',
    ...candidates.flatMap(({ id, missing }) => wrap(`${id}: ${missing}`, '  ', '    ')),
  ];
}

const STATUS_TEXT: Readonly<Record<Status, string>> = {
  pass: 'ok',
  warn: 'WARN',
  fail: 'FAIL',
  unknown: '?',
  skipped: '-',
};
const STATUS_STYLE = {
  pass: 'good',
  warn: 'warn',
  fail: 'bad',
  unknown: 'warn',
  skipped: 'dim',
} as const;

function runnerLines(runners: readonly RunnerVerdict[], { paint, width }: Pen): readonly string[] {
  const names = runners.map(({ name }) => truncateText(name, MAX_NAME_LENGTH));
  const column = Math.max(6, ...names.map((name) => name.length));
  return [
    paint('runners', 'bold'),
    ...(runners.length === 0 ? ['  none'] : []),
    ...runners.flatMap((one, index) => {
      const { runner, chain, cause } = one;
      const executor = executorStatus(one);
      // A row without trouble fits one line.
      const states = executor === 'pass' ? chain : { ...chain, executor };
      const links = Object.entries(states).map(
        ([link, status]) => `${link} ${paint(STATUS_TEXT[status], STATUS_STYLE[status])}`,
      );
      const label = `  ${(names[index] ?? '').padEnd(column)}  ${runner.padEnd(9)}  `;
      const pieces = cause === undefined ? links : [...links, `<- ${cause}`];
      return padText(pieces, label, ' '.repeat(label.length), { width, gap: '  ' });
    }),
  ];
}

/** Checks that belong to no entry: config, service, disk, cpu, memory. */
function hostLines({ snapshot }: View, pen: Pen): readonly string[] {
  const own = snapshot.checks.filter(
    ({ check }) => check.target.kind !== 'endpoint' && check.target.kind !== 'runner',
  );
  return own.length === 0
    ? []
    : [pen.paint('host', 'bold'), ...own.flatMap((state) => hostLine(state, pen))];
}

function hostLine({ check, finding }: CheckState, { paint, wrap }: Pen): readonly string[] {
  const status = paint(STATUS_TEXT[finding.status].padEnd(4), STATUS_STYLE[finding.status]);
  const detail = finding.status === 'pass' ? '' : printable(finding.detail);
  return wrap(detail, `  ${status}  ${printable(check.id)}  `, '        ');
}

/** Findings of the linter, with the blank line behind them. */
function configLines(view: View, { paint, wrap }: Pen): readonly string[] {
  const lines = lintLines(view);
  if (lines.length === 0) return [];
  return [
    paint('config.toml', 'bold'),
    ...lines.flatMap((line) => wrap(printable(line), '  ', '    ')),
    '',
  ];
}

function footLines({ snapshot, self }: View, { paint, wrap }: Pen): readonly string[] {
  const watched = snapshot.hostContext.contexts.map(
    ({ configPath, configFoundBy, process }) =>
      `${configPath} (${FOUND_BY_TEXT[configFoundBy]}), ${processText(process)}`,
  );
  const foot = `${watched.join('; ')}, runnerwatch ${self.version}`;
  return wrap(printable(foot), '', '  ').map((line) => paint(line, 'dim'));
}
