/** The flight recorder of a daemon: what it may write, and where it reports that it cannot. */
import type { DaemonOptions } from './daemon-options.ts';
import { Recorder } from './recorder/recorder.ts';
import type { EventTrigger } from './runner/event-trigger.ts';

/** How much of the runner’s log an incident keeps. */
const MOST_LINES = 100;

export function recorderOf(options: DaemonOptions, news: () => EventTrigger): Recorder {
  const { clock, paths, stateDirectory, log, isRecording } = options;
  return new Recorder({
    clock,
    paths,
    ...(stateDirectory === undefined || isRecording === false ? {} : { stateDirectory }),
    onProblem: (problem) => log.warn({ problem }, 'incident or history not written'),
    runnerLog: (runners) => linesOf(news(), runners),
  });
}

/** What was written of these entries and of the process as a whole, oldest first. */
function linesOf(news: EventTrigger, runners: readonly string[]): readonly string[] {
  return ['', ...runners]
    .flatMap((runner) => news.lastLines(runner))
    .toSorted((a, b) => a.at - b.at)
    .slice(-MOST_LINES)
    .map(({ at, text }) => `${new Date(at).toISOString()} ${text}`);
}
