/**
 * The demo in a terminal: one block that is redrawn at each change, and keys to break and repair. Long lines are
 * wrapped by the terminal, so that a command can be copied in one piece.
 */
import { visibleLength, wrapText } from '../core/columns.ts';
import type { Cause } from '../core/diagnosis.ts';
import type { View } from '../core/view.ts';
import type { FaultSwitch } from './faults.ts';

export interface TerminalDeps {
  readonly faults: FaultSwitch;
  readonly view: () => View;
  readonly lines: readonly string[];
  readonly stop: () => void;
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
}

const ESCAPE_KEY = '\u001B';
const ESCAPE = `${ESCAPE_KEY}[`;
const CTRL_C = '\u0003';
const COLOURS = { healthy: 32, degraded: 33, broken: 31, unsure: 33 } as const;
const LABEL_WIDTH = 9;
const WIDTH_OF_UNKNOWN_TERMINAL = 80;
/** A key for each fault, in their order; f, h and q have another meaning. */
const FAULT_KEYS = '123456789abcdegijklmnop';

/** Takes over the terminal until disposed, and then restores it. */
export function useTerminal(deps: TerminalDeps): Disposable & { draw(): void } {
  const { stdin, stdout } = deps;
  let trouble: string | undefined;
  const block = blockWriter(stdout);
  let isOver = false;
  const draw = (): void => {
    // The daemon still reports changes while it ends.
    if (!isOver) block.write(blockOf(deps, widthOf(stdout), trouble));
  };
  const onResize = (): void => {
    block.clearScreen();
    draw();
  };
  const settle = (text?: string): void => {
    trouble = text;
    draw();
  };
  const onKeys = (keys: string): void => {
    // An arrow or a function key is a sequence that may hold a digit.
    if (keys.startsWith(ESCAPE_KEY)) return;
    for (const key of keys) {
      workOf(key, deps)?.then(
        () => settle(),
        (error: unknown) => settle(error instanceof Error ? error.message : String(error)),
      );
    }
  };
  const keyboard = listenToKeys(stdin, onKeys);
  stdout.on('resize', onResize);
  draw();
  return {
    draw,
    [Symbol.dispose]: () => {
      isOver = true;
      stdout.off('resize', onResize);
      keyboard[Symbol.dispose]();
      stdout.write('The demo ends and removes its GitLab, its runner and its folder.\n');
    },
  };
}

function listenToKeys(stdin: NodeJS.ReadStream, onKeys: (keys: string) => void): Disposable {
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  stdin.resume();
  stdin.on('data', onKeys);
  return {
    [Symbol.dispose]: () => {
      stdin.off('data', onKeys);
      stdin.setRawMode(false);
      stdin.pause();
    },
  };
}

/** What a key sets going; undefined for a key that switches no fault. */
function workOf(key: string, { faults, stop }: TerminalDeps): Promise<void> | undefined {
  if (key === 'f') return faults.next();
  if (key === 'h') return faults.set(undefined);
  if (key === CTRL_C || key === 'q') stop();
  const fault = faults.all[FAULT_KEYS.indexOf(key)];
  return fault === undefined ? undefined : faults.set(fault);
}

/** Writes a block of lines over the block before. */
function blockWriter(stdout: NodeJS.WriteStream) {
  let rows = 0;
  return {
    write: (lines: readonly string[]): void => {
      const up = rows === 0 ? '' : `${ESCAPE}${rows}A`;
      stdout.write(`${up}\r${ESCAPE}J${lines.join('\n')}\n`);
      const width = widthOf(stdout);
      rows = lines.reduce((sum, line) => sum + rowsOf(line, width), 0);
    },
    /** A terminal whose width has changed has wrapped the old block in an unknown manner. */
    clearScreen: (): void => {
      rows = 0;
      stdout.write(`${ESCAPE}2J${ESCAPE}H`);
    },
  };
}

function widthOf({ columns }: NodeJS.WriteStream): number {
  // A terminal that does not report its size reports 0.
  return columns > 0 ? columns : WIDTH_OF_UNKNOWN_TERMINAL;
}

/** How many rows a wrapped line takes in the terminal; colour codes take no space. */
function rowsOf(line: string, width: number): number {
  return Math.max(1, Math.ceil(visibleLength(line) / width));
}

function blockOf(
  { faults, view, lines }: TerminalDeps,
  width: number,
  trouble?: string,
): readonly string[] {
  const { verdict, summary, causes } = view().diagnosis;
  const current = faults.current();
  const [cause] = causes;
  const shown = `${ESCAPE}${COLOURS[verdict]}m${verdict}${ESCAPE}0m`;
  const prose = (label: string, text: string) => wrapProse(label, text, width);
  return [
    'This is a demo: GitLab and the runner are simulated.',
    '',
    ...lines,
    '',
    ...prose('fault', current === undefined ? 'none' : current.title),
    ...(current === undefined ? [] : prose('', `runnerwatch should say ${current.cause}`)),
    ...(trouble === undefined ? [] : prose('', `cannot switch the fault: ${trouble}`)),
    ...prose('verdict', `${shown}: ${summary}`),
    ...(cause === undefined
      ? []
      : [
          ...prose('cause', `${cause.id} (${cause.severity}, ${cause.confidence})`),
          ...stepsOf(cause, width),
        ]),
    '',
    'f  next fault on, then off again     h  heal     q  quit     or one of these:',
    ...keyLines(faults),
  ];
}

/** What an operator would type. A command is never folded here: it is to be copied. */
function stepsOf({ fix }: Cause, width: number): readonly string[] {
  return fix.flatMap(({ text, command }, index) => [
    ...wrapProse(index === 0 ? 'do' : '', `${index + 1}. ${text}`, width),
    ...(command === undefined ? [] : [`${' '.repeat(LABEL_WIDTH)}   ${command}`]),
  ]);
}

/** The further lines align with the text, not the label. */
function wrapProse(label: string, text: string, width: number): readonly string[] {
  const column = label.padEnd(LABEL_WIDTH);
  return wrapText(text, column, ' '.repeat(column.length), width);
}

const FAULTS_IN_LINE = 4;
const FAULT_WIDTH = 19;

function keyLines({ all }: FaultSwitch): readonly string[] {
  const words = all.map(({ id }, index) => `${FAULT_KEYS[index] ?? ''} ${id}`.padEnd(FAULT_WIDTH));
  return Array.from({ length: Math.ceil(words.length / FAULTS_IN_LINE) }, (_, row) =>
    words
      .slice(row * FAULTS_IN_LINE, (row + 1) * FAULTS_IN_LINE)
      .join(' ')
      .trimEnd(),
  );
}
