/** What `check` draws on a terminal, and what it does not write into a pipe. */
import { describe, expect, test } from 'vitest';

import { drawFrame, progressLine } from '../../src/cli/screen.ts';
import { snapshotOf } from '../support/snapshots.ts';
import { viewOf } from '../support/views.ts';

interface Drawn {
  readonly isTTY?: boolean;
  readonly rows?: number;
}

function screenOf(over: Drawn) {
  const texts: string[] = [];
  return { ...over, texts, write: (text: string) => texts.push(text) };
}

describe('the line that counts', () => {
  test('says how many checks are done, and is taken away', () => {
    const screen = screenOf({ isTTY: true });
    const view = viewOf(snapshotOf());
    const [first, ...rest] = view.snapshot.checks;
    const early = {
      ...view,
      snapshot: {
        ...view.snapshot,
        checks: [...(first === undefined ? [] : [{ ...first, last: undefined }]), ...rest],
      },
    };
    const listeners: (() => void)[] = [];
    const takeAway = progressLine(
      screen,
      () => early,
      (listener) => {
        listeners.push(listener);
        return () => {};
      },
    );
    for (const listener of listeners) listener();
    takeAway();

    expect(screen.texts).toEqual([
      'starting checks ...',
      `\r\u001B[2K${rest.length} of ${rest.length + 1} checks done ...`,
      '\r\u001B[2K',
    ]);
  });

  test('is not written into a pipe', () => {
    const screen = screenOf({});
    progressLine(
      screen,
      () => viewOf(snapshotOf()),
      () => () => {},
    )();

    expect(screen.texts).toEqual([]);
  });
});

describe('a frame', () => {
  test('takes the place of the one before', () => {
    const screen = screenOf({ isTTY: true, rows: 24 });
    drawFrame(screen, 'one\ntwo', 'foot');

    expect(screen.texts).toEqual(['\u001B[H\u001B[2Jone\ntwo\nfoot\n']);
  });

  test('that is longer than the terminal keeps its beginning', () => {
    const screen = screenOf({ isTTY: true, rows: 10 });
    drawFrame(screen, Array.from({ length: 30 }, (_, index) => `line ${index}`).join('\n'), 'foot');
    const lines = (screen.texts[0] ?? '').split('\n');

    expect(lines).toHaveLength(10);
    expect(lines.slice(-3)).toEqual(['... and 23 more lines', 'foot', '']);
  });

  test('in a pipe is the text alone', () => {
    const screen = screenOf({ rows: 10 });
    drawFrame(screen, 'one', 'foot');

    expect(screen.texts).toEqual(['one\n']);
  });
});
