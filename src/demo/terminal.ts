/** The demo in a terminal: one block that is drawn again at each change, and keys to break and heal. */
import type { View } from '../core/view.ts';
import type { FaultSwitch } from './faults.ts';
import { DEMO_FAULTS } from './faults.ts';

export interface TerminalLoan {
  readonly faults: FaultSwitch;
  readonly view: () => View;
  readonly lines: readonly string[];
  readonly stop: () => void;
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
}

const ESCAPE = '\u001B[';
const CTRL_C = '\u0003';
const COLOURS = { healthy: 32, degraded: 33, broken: 31, unsure: 33 } as const;

/** Takes the terminal until disposed; then it is as it was. */
export function useTerminal(loan: TerminalLoan): Disposable & { draw(): void } {
  const { stdin, stdout, faults } = loan;
  let drawn = 0;
  const draw = (): void => {
    const lines = blockOf(loan).map((line) => line.slice(0, (stdout.columns ?? 100) - 1));
    const up = drawn === 0 ? '' : `${ESCAPE}${drawn}A`;
    // Each line is cleared to its end: no flicker, and nothing left of a longer one.
    stdout.write(
      `${up}${lines.map((line) => `${line}${ESCAPE}0m${ESCAPE}K`).join('\n')}\n${ESCAPE}J`,
    );
    drawn = lines.length;
  };
  const onKey = (key: string): void => {
    if (key === CTRL_C || key === 'q') return loan.stop();
    const index = key >= 'a' && key <= 'z' ? undefined : Number.parseInt(key, 36);
    if (key === 'f') void faults.next().then(draw);
    else if (key === 'h') void faults.set(undefined).then(draw);
    else if (index !== undefined && index > 0) void faults.set(DEMO_FAULTS[index - 1]).then(draw);
    return undefined;
  };
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  stdin.resume();
  stdin.on('data', onKey);
  draw();
  return {
    draw,
    [Symbol.dispose]: () => {
      stdin.off('data', onKey);
      stdin.setRawMode(false);
      stdin.pause();
    },
  };
}

function blockOf({ faults, view, lines }: TerminalLoan): readonly string[] {
  const { verdict, summary, causes } = view().diagnosis;
  const current = faults.current();
  const [cause] = causes;
  const colour = COLOURS[verdict];
  return [
    'runnerwatch demo: GitLab and the runner are stand-ins',
    ...lines,
    '',
    `fault    ${current === undefined ? 'none' : `${current.title}  (expected: ${current.cause})`}`,
    `verdict  ${ESCAPE}${colour}m${verdict}${ESCAPE}0m`,
    `         ${summary}`,
    `cause    ${cause === undefined ? 'none' : `${cause.id} (${cause.severity}, ${cause.confidence})`}`,
    `do       ${cause?.fix[0]?.text ?? '-'}`,
    `         ${cause?.fix.find(({ command }) => command !== undefined)?.command ?? ''}`,
    '',
    `f: next fault on or off   1-9: choose one   h: heal   q: end      (${DEMO_FAULTS.length} faults)`,
  ];
}
