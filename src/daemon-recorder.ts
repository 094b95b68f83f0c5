/** The flight recorder of a daemon: what it may write, and where it reports that it cannot. */
import type { DaemonOptions } from './daemon-options.ts';
import { Recorder } from './recorder/recorder.ts';

export function recorderOf(options: DaemonOptions): Recorder {
  const { clock, paths, stateDirectory, log, isRecording, runnerLog } = options;
  return new Recorder({
    clock,
    paths,
    ...(stateDirectory === undefined || isRecording === false ? {} : { stateDirectory }),
    onProblem: (problem) => log.warn({ problem }, 'incident or history not written'),
    ...(runnerLog === undefined ? {} : { runnerLog }),
  });
}
