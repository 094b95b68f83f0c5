/** What the runners of this host say against links, with the targets that each complaint is about. */
import type { CheckState } from '../core/check.ts';
import type { HostContext, RunnerContext } from '../core/host-context.ts';
import { contextOf, runnersNamed } from '../core/host-context.ts';
import type { Place } from '../core/place.ts';
import type { RunnerEvent, RunnerLogReader } from '../core/runner-event.ts';
import type { Complaint } from '../runner/complaints.ts';
import { complaintsOf } from '../runner/complaints.ts';

/** The installations, and where their logs are read. */
export interface Watched extends Pick<HostContext, 'contexts'> {
  /** The log of the runner at a place, where there is one. */
  readonly logAt: (place: Place) => RunnerLogReader | undefined;
}

export interface AimedComplaint {
  readonly complaint: Complaint;
  /** Ids of the entry and its endpoint. */
  readonly targets: readonly string[];
  /** Without a process, silence says nothing. */
  readonly isRunning: boolean;
}

export function aimedComplaintsIn(
  states: readonly CheckState[],
  watched: Watched,
): readonly AimedComplaint[] {
  return watched.contexts.flatMap((context) =>
    complaintsOf(eventsOf(context, states, watched)).map((complaint) => ({
      complaint,
      targets: targetsOf(complaint, context),
      isRunning: context.process !== undefined,
    })),
  );
}

/** What an installation's runner has logged and counted. */
export function eventsOf(
  context: RunnerContext,
  states: readonly CheckState[],
  { contexts, logAt }: Watched,
): readonly RunnerEvent[] {
  const read = states.filter(({ check }) => contextOf({ contexts }, check.target) === context);
  return [
    ...read.flatMap(({ finding }) => finding.events ?? []),
    ...(logAt(context.place)?.events() ?? []),
  ];
}

/** A complaint of no entry may be of any; so may one of an entry that has no check. */
function targetsOf({ runner }: Complaint, context: RunnerContext): readonly string[] {
  const own = runnersNamed(context, runner).filter(({ endpoint }) => endpoint !== undefined);
  const concerned = own.length === 0 ? context.runners : own;
  return [
    ...new Set(
      concerned.flatMap(({ id, endpoint }) => [id, ...(endpoint === undefined ? [] : [endpoint])]),
    ),
  ];
}
