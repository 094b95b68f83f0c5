/**
 * What does the runner log about its polls and its jobs?
 *
 * Source    Its unit's journal where systemd runs, or the file that the settings name (runner-log/). Without
 *           either there is no such check: an idle runner writes nothing, and a missing line proves nothing.
 * Measures  lines, dropped_lines (beyond the budget), last_line_timestamp_seconds; jobs that ended, by how.
 * Reasons   none for faults: events in the log go to the diagnosis.
 * Unknown   not-allowed, unreadable, not-understood.
 */
import type { RunnerEvent } from '../core/runner-event.ts';
import { defineProbe } from '../core/probe.ts';
import { leadToCauses } from '../core/reason.ts';

/** A line or two may be of a script that starts the runner. */
const FEW_LINES = 3;

export const runnerLog = defineProbe({
  id: 'runner-log',
  title: "Runner's log",
  question: "What does the runner's log say about its polls and its jobs?",
  kind: 'service',
  needs: [],
  intervalSeconds: 5,
  timeoutSeconds: 5,
  options: {},
  reasons: {
    ...leadToCauses('not-allowed'),
    'not-understood': {
      kind: 'unseen',
      meaning:
        "No line of the log is in a form of the runner's log, so nothing is known of its polls and jobs.",
      action: 'Check that log_file under [runner] is the log of gitlab-runner.',
    },
    unreadable: {
      kind: 'unseen',
      meaning: "The runner's log cannot be read.",
      action: 'Check that the journal works, or correct log_file under [runner].',
    },
  },
  measures: {
    lines: { help: "Lines of the runner's log read since runnerwatch started." },
    dropped_lines: { help: 'Lines skipped because there were too many at once.' },
    last_line_timestamp_seconds: { help: 'When the last line was written.' },
    ended_jobs: { help: 'Jobs that ended since runnerwatch started, with any result.' },
    system_failed_jobs: {
      help: 'Jobs that failed because of the system, not of their script, since runnerwatch started.',
    },
    timed_out_jobs: { help: 'Jobs that exceeded their timeout, since runnerwatch started.' },
    cancelled_jobs: { help: 'Cancelled jobs, since runnerwatch started.' },
    lost_job_ends: {
      help: 'Jobs whose end was not reported to GitLab, since runnerwatch started; GitLab shows them as running.',
    },
  },
  applies: (_target, { log }) => log !== undefined,

  async run(_target, _options, { runnerLog: reader, signal }) {
    if (reader === undefined) {
      return { status: 'unknown', reason: 'unreadable', detail: 'no log was found' };
    }
    const reading = await reader.read(signal);
    const { state, detail, lines, droppedLines, lastLineAt, events, jobEnds } = reading;
    const measures = {
      lines,
      dropped_lines: droppedLines,
      ended_jobs: Object.values(jobEnds).reduce((sum, count) => sum + count, 0),
      system_failed_jobs: jobEnds['system-failed'],
      timed_out_jobs: jobEnds['timed-out'],
      cancelled_jobs: jobEnds.cancelled,
      lost_job_ends: reading.lostJobEnds,
      ...(lastLineAt === undefined ? {} : { last_line_timestamp_seconds: lastLineAt / 1000 }),
    };
    const common = { measures, events };
    if (state === 'reading' && lines >= FEW_LINES && reading.understoodLines === 0) {
      const said = `none of the ${lines} lines of ${detail} is in a form of the runner's log`;
      return { status: 'unknown', reason: 'not-understood', detail: said, ...common };
    }
    if (state === 'reading') {
      return { status: 'pass', ...common, facts: { source: detail, ...latestOf(events) } };
    }
    const reason = state === 'not-allowed' ? 'not-allowed' : 'unreadable';
    return { status: 'unknown', reason, detail, ...common };
  },
});

/** The last line with a known event, for people. */
function latestOf(events: readonly RunnerEvent[]): Readonly<Record<string, string>> {
  const [latest] = events
    .filter(({ cause }) => cause !== undefined)
    .toSorted((a, b) => b.lastAt - a.lastAt);
  return latest === undefined ? {} : { latest: latest.text };
}
