/** The interface of a probe. Settings, metrics, docs, page and the conformance tests derive from it. */
import type { Socket } from 'node:net';

import type { ChangeKind } from './change.ts';
import type { Clock, Instant } from './clock.ts';
import type { Fact, Finding } from './finding.ts';
import type { FollowUp } from './follow-up.ts';
import type { Attempt, Resolution } from './lookup.ts';
import type { OptionTable, ValuesOf } from './option.ts';
import type { Paths } from './paths.ts';
import type { Patience } from './runner-patience.ts';
import type { Place } from './place.ts';
import type { RunnerProcess, RunnerProgram } from './reading.ts';
import type { RunnerLogReader } from './runner-event.ts';
import type { ReasonSpec } from './reason.ts';
import type { RequestKinds } from './request.ts';
import type { TargetKind, TargetKinds } from './target.ts';

export interface MeasureSpec {
  /** The key carries the unit: `lookup_seconds`. */
  readonly help: string;
  /** Of the probe's main measure: its name in `/health`, as the draft of health responses has them. */
  readonly measurement?: 'responseTime' | 'utilization' | 'uptime' | 'validity';
  /** Export under this metric instead of `runnerwatch_<probe>_<measure>{target}`. */
  readonly as?: {
    readonly metric: string;
    readonly labels?: Readonly<Record<string, string>>;
    /** Name of the label that holds the target's id; default `target`. */
    readonly targetLabel?: string;
  };
  /** Options that judge it: the page draws a gauge with these marks, and a plot. */
  readonly limits?: {
    readonly worse: 'low' | 'high';
    /** Names of options of the probe, in the same unit. */
    readonly options: readonly string[];
  };
}

/** An address to dial, with where it came from. */
export interface Address {
  readonly address: string;
  readonly family: 4 | 6;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  /** Relative to the base URL: `api/v4/version`, `-/health`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutSeconds: number;
}

export interface HttpAnswer {
  readonly status: number;
  /** Names in lower case; of a repeated header the first one. */
  readonly headers: Readonly<Record<string, string>>;
  /** At most the first 64 KiB. */
  readonly body: string;
  readonly seconds: number;
  readonly receivedAt: Instant;
}

/** What the links of one walk hand to each other. Owned by one walk; each link fills its part. */
export interface Walk {
  /** By `dns`: addresses of the host to dial (the proxy's, where there is one), in Go's order. */
  addresses?: readonly Address[];
  /** By `dns`: how the lookup went. */
  resolution?: Resolution;
  /** By `connect`: what was dialled, in the order of the addresses. */
  attempts?: readonly Attempt[];
  /** Set by `connect`, replaced by `proxy` (tunnel) and `tls` (TLS socket): the connection as far as it is built. */
  socket?: Socket;
  /** Opens the same connection once more, for a server that closes after each answer. */
  open?: (signal: AbortSignal) => Promise<Socket>;
  /** By `http`: sends a request on the walk's connection. */
  send?: (request: HttpRequest, signal: AbortSignal) => Promise<HttpAnswer>;
  /** By `token`: whether GitLab takes requests that write. Asked once for all entries of the walk. */
  acceptsWrites?: boolean;
  /** By the walk: what each link of this walk found so far, by probe id. */
  findings?: ReadonlyMap<string, Finding>;
}

/** The address that this walk is connected to, as a fact: several backends may answer in turn. */
export function addressOfWalk({ findings }: Walk): { readonly address?: Fact } {
  const address = findings?.get('connect')?.facts?.['address'];
  return address === undefined ? {} : { address };
}

/** Keeps the daemon's load on GitLab within its promise: docs/reference/promises.md#load-on-gitlab. */
export interface Budget {
  /** True when one more request of this kind may be sent now; it is then counted. */
  take(kind: string, target: string): boolean;
  /** True when `take` would return true now, and after so many others; counts nothing. */
  allows(kind: string, target: string, others?: number): boolean;
  /** True when `key` was not used within `seconds`; it is then marked as used. Asked between `allows` and `take`. */
  once(key: string, seconds: number): boolean;
  /** True while GitLab has asked for a pause; until then the last result stays valid. */
  isPaused(target: string): boolean;
  /** GitLab asked for a pause (429, Retry-After): no request is allowed for that long. */
  pause(target: string, seconds: number): void;
}

export interface Tools {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Where the runner of the target lives; for the host as a whole the first place. */
  readonly place: Place;
  /** The runner's process there, if it runs. */
  readonly process: RunnerProcess | undefined;
  /** While it does not run: the program that would start next, or that ran last. */
  readonly program?: RunnerProgram;
  /** Those of the other places of this host. */
  readonly neighbours: readonly RunnerProcess[];
  /** Those of the place. */
  readonly paths: Paths;
  /** The runner's log, where there is one. */
  readonly runnerLog?: RunnerLogReader;
  /** Where name servers listen, since resolv.conf cannot name a port. Default: 53, which only root may open. */
  readonly dnsPort?: number;
}

export interface LinkTools extends Tools {
  readonly walk: Walk;
  readonly budget: Budget;
  /** What this check found the last time. */
  readonly previous?: Finding | undefined;
  /** It is asked whether a fault is over: what only reads may pass while the runner's polls still fail. */
  readonly provesEnd?: boolean;
}

type ToolsFor<K extends TargetKind> = K extends 'endpoint' | 'runner' ? LinkTools : Tools;

export interface Probe<
  K extends TargetKind = TargetKind,
  O extends OptionTable = OptionTable,
  R extends string = string,
  M extends string = string,
> {
  /** kebab-case, equal to the file's name. */
  readonly id: string;
  readonly title: string;
  /** The one question it answers. */
  readonly question: string;
  readonly kind: K;
  /** Probes of the same walk that must have passed or warned before this one is tried. */
  readonly needs: readonly string[];
  readonly intervalSeconds: number;
  readonly timeoutSeconds: number;
  /**
   * The kinds of requests that it sends to GitLab. Each run sends one of the kind that is named like the probe; if that is
   * budgeted, the interval stretches with the number of such checks.
   */
  readonly requests?: RequestKinds;
  /** Links whose last result is stale when this one's status changes, other than from or to one of these reasons. */
  readonly refreshes?: {
    readonly links: readonly string[];
    readonly exceptReasons: readonly NoInfer<R>[];
  };
  /** Where it gives up before the runner does. */
  readonly patience?: Patience;
  /** A poll of the runner that worked proves as much as a pass. */
  readonly isProvenByPolls?: boolean;
  /** A job that ran proves as much as a pass, where the check itself cannot look. */
  readonly isProvenByJobs?: boolean;
  /** The kinds of changes that can make it fail. An entry of the catalogue may declare others for its cause. */
  readonly changedBy?: readonly ChangeKind[];
  readonly options: O;
  readonly reasons: Readonly<Record<R, ReasonSpec>>;
  readonly measures: Readonly<Record<M, MeasureSpec>>;
  /** False when the probe does not apply to this target (no proxy, `http://`); absent means that it always applies. */
  applies?(target: TargetKinds[K], place: Place): boolean;
  /** By `withFollowUps`: this check is a follow-up. */
  readonly followUp?: FollowUp;
  /** By `withFollowUps`: what may make the finding of this link more exact. */
  readonly revisions?: readonly FollowUp[];
  /** Never throws for a state of the target; a throw is a bug and becomes `unknown`. */
  run(
    target: TargetKinds[K],
    options: ValuesOf<O>,
    tools: ToolsFor<K>,
  ): Promise<Finding<NoInfer<R>, NoInfer<M>>>;
}

/** Gives the literal its type parameters; returns it as it is. */
export function defineProbe<
  K extends TargetKind,
  O extends OptionTable,
  R extends string,
  M extends string,
>(probe: Probe<K, O, R, M>): Probe<K, O, R, M> {
  return probe;
}
