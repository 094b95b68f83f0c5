/**
 * The report for a person at 3 a.m.: `runnerwatch check`, `/health?format=text`. Verdict first, then what
 * to type, then the rest. At most 100 columns, plain ASCII symbols, colour only when told.
 */
import type { CheckState } from '../core/check.ts';
import type { Cause, RunnerVerdict } from '../core/diagnosis.ts';
import type { View } from '../core/view.ts';
import type { Status } from '../core/words.ts';
import { durationText } from './words.ts';

const WIDTH = 100;

export interface TextOptions {
  readonly colour: boolean;
}

type Paint = (text: string, style: keyof typeof STYLES) => string;

const STYLES = { good: 32, warn: 33, bad: 31, dim: 2, bold: 1 } as const;
const ESCAPE = '\u001B[';

const VERDICT_STYLE = { healthy: 'good', degraded: 'warn', broken: 'bad', unsure: 'warn' } as const;
const SEVERITY_STYLE = { critical: 'bad', warning: 'warn', notice: 'warn', info: 'dim' } as const;

export function textOf(view: View, { colour }: TextOptions): string {
  const paint: Paint = (text, style) =>
    colour ? `${ESCAPE}${STYLES[style]}m${text}${ESCAPE}0m` : text;
  const { diagnosis, snapshot } = view;
  const head = `${paint(diagnosis.verdict.toUpperCase(), VERDICT_STYLE[diagnosis.verdict])}  ${diagnosis.summary}`;
  const lines = [
    ...(view.self.demo ? ['This is a demo: GitLab and the runner are stand-ins.', ''] : []),
    ...wrapped(head, '', '  '),
    ...diagnosis.causes.flatMap((cause) => ['', ...causeLines(cause, snapshot.takenAt, paint)]),
    ...candidateLines(view),
    '',
    ...runnerLines(diagnosis.runners, paint),
    '',
    ...hostLines(view, paint),
    '',
    ...footLines(view, paint),
  ];
  return lines.join('\n');
}

function causeLines(cause: Cause, now: number, paint: Paint): readonly string[] {
  const { id, severity, confidence, title, evidence, ruledOut, fix, resolvedWhen } = cause;
  const tag = `${severity}, ${confidence}, since ${durationText((now - cause.since) / 1000)}`;
  return [
    `${paint(id, SEVERITY_STYLE[severity])}  (${tag})`,
    ...wrapped(title, '  ', '  '),
    ...evidence.flatMap(({ check, text }) =>
      wrapped(`${check}: ${text}`, '  evidence   ', '             '),
    ),
    ...(ruledOut.length === 0
      ? []
      : wrapped(
          ruledOut.map((item) => `${item.id} (${item.because})`).join(', '),
          '  ruled out  ',
          '             ',
        )),
    `  ${paint('do', 'bold')}`,
    ...fix.flatMap(({ text, command }, index) => [
      ...wrapped(text, `    ${index + 1}. `, '       '),
      // A command is never wrapped: it is to be copied.
      ...(command === undefined ? [] : [`       ${paint(command, 'bold')}`]),
    ]),
    ...wrapped(`when ${resolvedWhen}`, '  resolved   ', '             '),
  ];
}

function candidateLines({ diagnosis }: View): readonly string[] {
  if (diagnosis.candidates.length === 0) return [];
  return [
    '',
    'candidates',
    ...diagnosis.candidates.flatMap(({ id, missing }) =>
      wrapped(`${id}: ${missing}`, '  ', '    '),
    ),
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

function runnerLines(runners: readonly RunnerVerdict[], paint: Paint): readonly string[] {
  const width = Math.max(6, ...runners.map(({ name }) => name.length));
  return [
    paint('runners', 'bold'),
    ...(runners.length === 0 ? ['  none'] : []),
    ...runners.map(({ name, runner, chain, cause }) => {
      const links = Object.entries(chain).map(
        ([link, status]) => `${link} ${paint(STATUS_TEXT[status], STATUS_STYLE[status])}`,
      );
      const why = cause === undefined ? '' : `  <- ${cause}`;
      return `  ${name.padEnd(width)}  ${runner.padEnd(9)}  ${links.join('  ')}${why}`;
    }),
  ];
}

/** Checks that belong to no entry: config, service, disk, cpu, memory. */
function hostLines({ snapshot }: View, paint: Paint): readonly string[] {
  const own = snapshot.checks.filter(
    ({ check }) => check.target.kind !== 'endpoint' && check.target.kind !== 'runner',
  );
  return own.length === 0
    ? []
    : [paint('host', 'bold'), ...own.flatMap((state) => hostLine(state, paint))];
}

function hostLine({ check, finding }: CheckState, paint: Paint): readonly string[] {
  const status = paint(STATUS_TEXT[finding.status].padEnd(4), STATUS_STYLE[finding.status]);
  const detail = finding.status === 'pass' ? '' : finding.detail;
  return wrapped(detail, `  ${status}  ${check.id}  `, '        ');
}

function footLines({ snapshot, self }: View, paint: Paint): readonly string[] {
  const { configPath, configFoundBy, process: runner } = snapshot.surroundings;
  const who = runner === undefined ? 'no runner process' : `runner process ${runner.pid}`;
  const foot = `${configPath} (${configFoundBy}), ${who}, runnerwatch ${self.version}`;
  return [paint(foot, 'dim')];
}

/** Words on lines of at most WIDTH columns; colour codes take none. */
function wrapped(text: string, label: string, indent: string): readonly string[] {
  const lines: string[] = [];
  let line = label;
  for (const word of text.split(' ')) {
    const isFirst = line === label || line === indent;
    if (!isFirst && visibleLength(line) + 1 + visibleLength(word) > WIDTH) {
      lines.push(line);
      line = `${indent}${word}`;
    } else line += isFirst ? word : ` ${word}`;
  }
  return [...lines, line.trimEnd()];
}

function visibleLength(text: string): number {
  // oxlint-disable-next-line no-control-regex -- colour codes begin with a control character
  return text.replaceAll(/\u001B\[\d+m/g, '').length;
}
