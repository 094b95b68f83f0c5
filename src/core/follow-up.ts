/**
 * The form of a follow-up: a link has failed, or is not as it should be; which one factor flips it? The walk
 * runs it right after that link and keeps what it found for a while. Settings, metrics, docs and page derive from it.
 */
import type { ChangeKind } from './change.ts';
import type { Finding, ProbeResult } from './finding.ts';
import type { LinkTools, MeasureSpec, Probe } from './probe.ts';
import type { ReasonSpec } from './reason.ts';
import type { Pace } from './request.ts';
import type { EndpointTarget, RunnerTarget } from './target.ts';

export type Cost = 'local' | 'connections' | 'pages' | 'requests';

interface CostSpec {
  readonly meaning: string;
  /** What limits the requests to GitLab that it sends. `budgeted`: it asks the budget itself, before each request. */
  readonly pace?: Pace;
}

export const COSTS: Readonly<Record<Cost, CostSpec>> = {
  local: { meaning: 'reads this host' },
  connections: { meaning: 'name lookups and connections, no request to the API of GitLab' },
  pages: {
    meaning: 'pages that the API limits of GitLab do not count; none while GitLab asks for quiet',
    pace: 'paced',
  },
  requests: {
    meaning:
      'name lookups, connections and pages; after a failure of the API or of a token also requests from the hourly budget',
    pace: 'budgeted',
  },
};

/** The finding that made a follow-up due. */
export interface Fault {
  /** `connect/timeout`, or `connect/pass`. */
  readonly name: string;
  readonly link: string;
  readonly finding: Finding;
  /** The entries whose token fails, where the link is that of the token. */
  readonly runners?: readonly RunnerTarget[];
}

export interface FollowUpTools extends LinkTools {
  readonly fault: Fault;
  /** Earlier results of the link, oldest first. */
  readonly recent: readonly ProbeResult[];
  /** Earlier results of the link that it revises, oldest first. */
  readonly ofRevised?: readonly ProbeResult[];
  /** What was paid for and found of this target before, as long as that holds. */
  readonly earlier?: readonly Found[];
}

/** Measures, facts and data are laid over those of the finding that it belongs to; without a status that one stays. */
export type Found<R extends string = string> =
  | Finding<R>
  | (Pick<Finding, 'measures' | 'facts' | 'data'> & { readonly status?: undefined });

/** What was found, with how long it holds where that is not the usual time of the follow-up. */
export type Tried<R extends string = string> = Found<R> & {
  readonly rememberSeconds?: number;
  /** It took requests of the hourly budget: it is kept over a new plan and a restart. */
  readonly isPaid?: boolean;
};

export interface FollowUp<R extends string = string, L extends string = string> {
  /** kebab-case, equal to the file's name. */
  readonly id: string;
  readonly title: string;
  /** The one question it answers. */
  readonly question: string;
  /** What makes it due: a reason (`connect/timeout`) or a status (`tls/fail`) of a link. */
  readonly after: readonly string[];
  /**
   * The link whose finding it makes more exact: the first finding is held back until then. Without it the follow-up
   * is a check of its own, which passes while nothing is due.
   */
  readonly revises?: string;
  readonly cost: Cost;
  /** Faults of these links make it send GitLab no request, so that a pause does not hold it back. */
  readonly asksNothingAfter?: readonly string[];
  readonly timeoutSeconds: number;
  /** How long the result holds for the same fault and subject; it goes with its target. */
  readonly rememberSeconds: number;
  readonly reasons: Readonly<Record<R, ReasonSpec>>;
  /** Reasons of the link that it revises which it gives too. */
  readonly linkReasons?: readonly L[];
  /** Of a check of its own: the kinds of changes that can make it fail. */
  readonly changedBy?: readonly ChangeKind[];
  readonly measures: Readonly<Record<string, MeasureSpec>>;
  /** Measures of a check of its own while nothing is due. */
  readonly idle?: Readonly<Record<string, number>>;
  /** What is tried: for another subject a remembered result does not hold. Undefined: there is nothing to try. */
  subject?(target: EndpointTarget, tools: FollowUpTools): string | undefined;
  /** What was found is still true in a walk that gives no reason to try: another address may answer the next time. */
  persists?(
    found: Found<R | L>,
    tools: Omit<FollowUpTools, 'fault' | 'recent' | 'earlier'>,
  ): boolean;
  /** Throws what its connection or the system threw when the check could not be made; any other error is a bug. */
  run(target: EndpointTarget, tools: FollowUpTools): Promise<Tried<NoInfer<R> | NoInfer<L>>>;
}

/** Gives the literal its type parameters; returns it as it is. */
export function defineFollowUp<R extends string, L extends string = never>(
  followUp: FollowUp<R, L>,
): FollowUp<R, L> {
  return followUp;
}

/** The list of probes with its follow-ups: links that are revised, and checks of their own behind the links. */
export function withFollowUps(
  probes: readonly Probe[],
  followUps: readonly FollowUp[],
): readonly Probe[] {
  const links = probes.map((probe) =>
    revisable(
      probe,
      followUps.filter(({ revises }) => revises === probe.id),
    ),
  );
  const own = followUps
    .filter(({ revises }) => revises === undefined)
    .map((followUp) => probeOf(followUp));
  const last = links.findLastIndex(({ kind }) => kind === 'endpoint');
  return links.toSpliced(last + 1, 0, ...own);
}

function revisable(probe: Probe, revisions: readonly FollowUp[]): Probe {
  if (revisions.length === 0) return probe;
  const { reasons, measures } = probe;
  return {
    ...probe,
    revisions,
    reasons: Object.assign({}, reasons, ...revisions.map((one) => one.reasons)),
    measures: Object.assign({}, measures, ...revisions.map((one) => one.measures)),
  };
}

/** Of the pace of the walk, which runs it. */
const WALK_SECONDS = 15;

function probeOf(followUp: FollowUp): Probe {
  const { id, title, question, timeoutSeconds, reasons, measures, changedBy = [] } = followUp;
  return {
    id,
    title,
    question,
    kind: 'endpoint',
    needs: [],
    intervalSeconds: WALK_SECONDS,
    timeoutSeconds,
    options: {},
    reasons,
    measures,
    changedBy,
    followUp,
    run: async () => idleFinding(followUp),
  };
}

/** The result of the follow-up's own check while nothing is due. */
export function idleFinding({ idle }: FollowUp): Finding {
  return { status: 'pass', ...(idle === undefined ? {} : { measures: idle }) };
}

/** The finding with what was found laid over it. */
export function reviseFinding(finding: Finding, found: Found): Finding {
  const measures = { ...finding.measures, ...found.measures };
  const facts = { ...finding.facts, ...found.facts };
  const data = { ...finding.data, ...found.data };
  const { attachments, holdsSeconds } = finding;
  return {
    ...(found.status === undefined ? finding : found),
    ...(attachments === undefined ? {} : { attachments }),
    ...(holdsSeconds === undefined ? {} : { holdsSeconds }),
    ...(Object.keys(measures).length === 0 ? {} : { measures }),
    ...(Object.keys(facts).length === 0 ? {} : { facts }),
    ...(Object.getOwnPropertySymbols(data).length === 0 ? {} : { data }),
  };
}
