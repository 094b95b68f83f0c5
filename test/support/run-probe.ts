/**
 * Runs one probe as the walk and the scheduler do, with all its tools: clock, deadline, paths,
 * walk and budget. Records which reasons were seen, for the test that demands each reason once, and demands every
 * fact that the text of the cause names.
 */
import { systemClock } from '../../src/core/clock.ts';
import type { Finding } from '../../src/core/finding.ts';
import type { OptionTable, ValuesOf } from '../../src/core/option.ts';
import { defaultsOf } from '../../src/core/option.ts';
import type { Budget, LinkTools, Probe } from '../../src/core/probe.ts';
import type { ReasonSpec } from '../../src/core/reason.ts';
import type { TargetKind, TargetKinds } from '../../src/core/target.ts';
import { toolsIn } from './places.ts';
import { missingFacts } from './missing-facts.ts';
import { recordReason } from './recorded-reasons.ts';

export interface Over<O extends OptionTable> {
  readonly options?: Partial<ValuesOf<O>>;
  readonly tools?: Partial<LinkTools>;
}

/** Lets everything pass and counts nothing. */
export const unlimitedBudget: Budget = {
  allows: () => true,
  take: () => true,
  once: () => true,
  isPaused: () => false,
  pause: () => {},
};

export async function runProbe<
  K extends TargetKind,
  O extends OptionTable,
  R extends string,
  M extends string,
>(probe: Probe<K, O, R, M>, target: TargetKinds[K], over: Over<O> = {}): Promise<Finding<R, M>> {
  const tools: LinkTools = {
    clock: systemClock,
    signal: AbortSignal.timeout(probe.timeoutSeconds * 1000),
    walk: {},
    budget: unlimitedBudget,
    ...over.tools,
    ...toolsIn(over.tools ?? {}),
  };
  const finding = await probe.run(target, { ...defaultsOf(probe.options), ...over.options }, tools);
  recordReason(probe.id, finding);
  expectKind(probe.reasons, finding);
  const missing = missingFacts(probe.id, finding);
  if (missing.length > 0) throw new Error(missing.join('\n'));
  return finding;
}

/** A reason by which nothing was learned comes with `unknown`, and context never fails. */
function expectKind(reasons: Readonly<Record<string, ReasonSpec>>, finding: Finding): void {
  if (finding.status === 'pass') return;
  const kind = reasons[finding.reason]?.kind;
  const isWrong =
    (kind === 'unseen' && finding.status !== 'unknown') ||
    (kind === 'context' && finding.status !== 'warn');
  if (isWrong) throw new Error(`${finding.reason} is ${kind}, and its status ${finding.status}`);
}
