/**
 * How the walk handles the follow-ups of its links: which are due after a finding, one run of one within its timeout,
 * which result is kept, and which finding waits for a follow-up that may still become due.
 */
import { DeadlineError, deadlineOf, withSignal } from '../core/abort.ts';
import type { Check } from '../core/check.ts';
import { isErrno } from '../core/errno.ts';
import { ExchangeError } from '../core/exchange-error.ts';
import type { Finding } from '../core/finding.ts';
import { reasonOf } from '../core/finding.ts';
import type { Fault, FollowUp, FollowUpTools, Found } from '../core/follow-up.ts';
import { COSTS } from '../core/follow-up.ts';
import type { LinkTools } from '../core/probe.ts';
import type { EndpointTarget } from '../core/target.ts';

/** A follow-up with its own check, or with that of the link that it revises. */
export interface PlannedFollowUp {
  readonly followUp: FollowUp;
  readonly check: Check;
  readonly target: EndpointTarget;
}

interface Remembered {
  readonly untilSeconds: number;
  readonly found: Found;
  readonly isPaid?: boolean;
}

/** By follow-up, target, fault and subject. What is not paid for is discarded with the plan of its walk. */
export type FollowUpMemory = Map<string, Remembered>;

export function followUpsOf(checks: readonly Check[]): readonly PlannedFollowUp[] {
  return checks.flatMap((check) => {
    const { probe, target } = check;
    if (target.kind !== 'endpoint') return [];
    const own = probe.followUp === undefined ? [] : [probe.followUp];
    return [...own, ...(probe.revisions ?? [])].map((followUp) => ({ followUp, check, target }));
  });
}

/** What may be due after a link: what makes its own finding more exact comes first. */
export function followUpsAfter(
  planned: readonly PlannedFollowUp[],
  link: string,
): readonly PlannedFollowUp[] {
  const those = planned.filter(({ followUp }) => linksOf(followUp).includes(link));
  const isOwn = ({ followUp }: PlannedFollowUp): boolean => followUp.revises === link;
  return [...those.filter(isOwn), ...those.filter((one) => !isOwn(one))];
}

/** The links that may make it due. */
export function linksOf({ after }: FollowUp): readonly string[] {
  return after.map((name) => name.slice(0, name.indexOf('/')));
}

/** Undefined when this finding does not make it due. */
export function faultOf({ after }: FollowUp, link: string, finding: Finding): Fault | undefined {
  const name = `${link}/${reasonOf(finding) ?? finding.status}`;
  const isDue = after.includes(name) || after.includes(`${link}/${finding.status}`);
  return isDue ? { name, link, finding } : undefined;
}

/** What it would try now; undefined if there is nothing to try. While GitLab asks for a pause, what is known holds. */
export function subjectOf(
  planned: PlannedFollowUp,
  tools: FollowUpTools,
  memory: FollowUpMemory,
): string | undefined {
  const { followUp, target } = planned;
  const subject = followUp.subject === undefined ? '' : followUp.subject(target, tools);
  if (subject === undefined) return undefined;
  const mustWait = asksGitLab(followUp, tools.fault) && tools.budget.isPaused(target.id);
  forgetOld(memory, tools.clock.seconds());
  return mustWait && !memory.has(keyOf(planned, tools, subject)) ? undefined : subject;
}

function asksGitLab({ cost, asksNothingAfter = [] }: FollowUp, { link }: Fault): boolean {
  return COSTS[cost].pace !== undefined && !asksNothingAfter.includes(link);
}

function keyOf(planned: PlannedFollowUp, { fault }: FollowUpTools, subject: string): string {
  return `${prefixOf(planned)}${fault.name} ${subject}`;
}

function prefixOf({ followUp, target }: PlannedFollowUp): string {
  return `${followUp.id} ${target.id} `;
}

function foundOf(planned: PlannedFollowUp, memory: FollowUpMemory): readonly Found[] {
  const own = [...memory].filter(([key]) => key.startsWith(prefixOf(planned)));
  return own.map(([, { found }]) => found);
}

/** Rejects if it could not run to its end; such a result is not kept. */
export async function runFollowUp(
  planned: PlannedFollowUp,
  subject: string,
  tools: FollowUpTools,
  memory: FollowUpMemory,
): Promise<Found> {
  const { followUp, check, target } = planned;
  const key = keyOf(planned, tools, subject);
  const atSeconds = tools.clock.seconds();
  forgetOld(memory, atSeconds);
  const known = memory.get(key);
  if (known !== undefined) return known.found;
  const isOwn = followUp.revises === undefined;
  using deadline = deadlineOf(isOwn ? check.timeoutSeconds : followUp.timeoutSeconds, tools.signal);
  const { signal } = deadline;
  const earlier = foundOf(planned, paidOf(memory));
  const tried = await runWithin(signal, followUp.run(target, { ...tools, signal, earlier }));
  const { rememberSeconds = rememberSecondsOf(followUp, check), isPaid = false, ...found } = tried;
  memory.set(key, { untilSeconds: atSeconds + rememberSeconds, found, isPaid });
  return found;
}

/** What it found before, where that still holds although nothing makes it due. */
export function persistingOf(
  planned: PlannedFollowUp,
  tools: LinkTools & Pick<FollowUpTools, 'ofRevised'>,
  memory: FollowUpMemory,
): Found | undefined {
  forgetOld(memory, tools.clock.seconds());
  const { followUp } = planned;
  return foundOf(planned, memory).find(
    (one) => one.status !== undefined && followUp.persists?.(one, tools),
  );
}

/** What it throws because its time is over is the end of its time. */
async function runWithin<T>(signal: AbortSignal, run: Promise<T>): Promise<T> {
  try {
    return await withSignal(run, signal);
  } finally {
    signal.throwIfAborted();
  }
}

/** It had no time, got no answer, or the system refused the try: nothing was learned, and nothing is wrong here. */
export function isUntried(error: unknown): boolean {
  const isRefusedBySystem = isErrno(error) && error.syscall !== undefined;
  return error instanceof DeadlineError || error instanceof ExchangeError || isRefusedBySystem;
}

/** What failed stays so; what passed may be wrong, and nobody has looked. */
export function withBug(finding: Finding, bug: string): Finding {
  if (finding.status !== 'pass') return { ...finding, detail: `${finding.detail}; ${bug}` };
  return { ...finding, status: 'unknown', reason: 'probe-bug', detail: bug };
}

/** What was paid for. */
export function paidOf(memory: FollowUpMemory): FollowUpMemory {
  return new Map([...memory].filter(([, { isPaid }]) => isPaid === true));
}

function forgetOld(memory: FollowUpMemory, nowSeconds: number): void {
  for (const [key, { untilSeconds }] of memory) if (nowSeconds >= untilSeconds) memory.delete(key);
}

/** A check of its own may have been given a longer interval in the settings. */
function rememberSecondsOf({ revises, rememberSeconds }: FollowUp, check: Check): number {
  return revises === undefined ? Math.max(rememberSeconds, check.intervalSeconds) : rememberSeconds;
}
