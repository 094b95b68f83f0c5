/** The lines and states of a reader of the log, and a watch with its new events. */
import type { Clock } from '../../src/core/clock.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { Paths } from '../../src/core/paths.ts';
import type { LogSource } from '../../src/core/runner-event.ts';
import { RunnerLogWatch } from '../../src/runner/log/log-watch.ts';
import type { RawLine, ReaderDeps, ReaderState } from '../../src/runner/log/reader.ts';

export interface RecordingReader {
  readonly deps: ReaderDeps;
  readonly lines: readonly RawLine[];
  readonly states: readonly ReaderState[];
}

export function startRecordingReader(
  paths: Paths,
  mayTake: () => boolean = () => true,
  clock: Clock = systemClock,
): RecordingReader {
  const lines: RawLine[] = [];
  const states: ReaderState[] = [];
  const deps: ReaderDeps = {
    paths,
    clock,
    mayTake,
    onLine: (line) => lines.push(line),
    onState: (state) => states.push(state),
  };
  return { deps, lines, states };
}

export interface OpenWatch extends Disposable {
  readonly watch: RunnerLogWatch;
  readonly newEvents: readonly string[];
}

export function watchLog(source: LogSource, paths: Paths, clock: Clock = systemClock): OpenWatch {
  const events: string[] = [];
  const watch = new RunnerLogWatch(clock, {
    onEvent: (kind, runner) => events.push(`${kind} ${runner ?? ''}`),
  });
  watch.follow({ log: source, paths }, ['abc12defg', 'xyz12defg']);
  return { watch, newEvents: events, [Symbol.dispose]: () => watch.stop() };
}
