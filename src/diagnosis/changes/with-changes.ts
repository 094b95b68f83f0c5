/**
 * What changed just before a cause began, as a line of the cause; where a change of that kind can produce the cause,
 * taking it back is the first step of the fix.
 */
import type { Change, ChangeKind, PriorChange } from '../../core/change.ts';
import type { Snapshot } from '../../core/check.ts';
import type { Instant } from '../../core/clock.ts';
import type { Cause, Diagnosis, FixStep } from '../../core/diagnosis.ts';
import { formatDuration } from '../../core/duration-text.ts';
import { causeSpec } from '../catalogue/index.ts';
import type { ConcernedLines, Subject } from './concern.ts';
import { concernOf, subjectOf, usesFile } from './concern.ts';
import { describeChange } from './describe.ts';
import { explainingKinds } from './explaining-kinds.ts';
import { sumOfChanges } from './sum.ts';
import { undoSteps } from './undo.ts';

/** What is told of the time before a cause; and what is taken for its reason, beside a turn and a half of its check. */
const TOLD_SECONDS = 900;
const REASON_SECONDS = 120;
const TURNS = 1.5;
/** Clocks of files and of events differ by the resolution of their times. */
const TOLERANCE_MILLISECONDS = 1000;
const MAX_TOLD = 3;

export interface ChangeHistory {
  /** Of the last days, newest first. */
  readonly changes: readonly Change[];
  /** When a cause began, where an earlier run knows more of it than this one. */
  readonly beganAt?: (cause: Cause) => Instant | undefined;
}

export function withChanges(
  diagnosis: Diagnosis,
  snapshot: Snapshot,
  past: ChangeHistory,
): Diagnosis {
  if (past.changes.length === 0 || diagnosis.causes.length === 0) return diagnosis;
  const causes = diagnosis.causes.map((cause) => withOwnChanges(cause, snapshot, past));
  return { ...diagnosis, causes };
}

/** A change that is still in force, with its part that concerns the cause. */
interface Related {
  readonly change: Change;
  readonly lines: ConcernedLines;
  readonly isReason: boolean;
}

function withOwnChanges(cause: Cause, snapshot: Snapshot, past: ChangeHistory): Cause {
  const since = Math.min(cause.since, past.beganAt?.(cause) ?? cause.since);
  const related = relatedChanges(cause, since, snapshot, past.changes);
  if (related.length === 0) return cause;
  const { context } = subjectOf(cause, snapshot);
  const told = related.map(({ change, lines, isReason }) => {
    const secondsBefore = Math.max(0, Math.round((since - change.at) / 1000));
    const { at, what } = change;
    return { at, secondsBefore, what, text: describeChange(change, lines), explains: isReason };
  });
  const steps = related
    .filter(({ isReason }) => isReason)
    .flatMap(({ change, lines }) => {
      const when = whenText(since, change.at);
      return undoSteps({ change, lines, place: context.place, when });
    });
  return {
    ...cause,
    fix: distinctSteps([...steps, ...cause.fix]),
    changedBefore: told satisfies readonly PriorChange[],
  };
}

function whenText(since: Instant, at: Instant): string {
  const seconds = Math.round((since - at) / 1000);
  return `${seconds <= 0 ? 'just' : formatDuration(seconds)} before the fault began`;
}

function distinctSteps(steps: readonly FixStep[]): readonly FixStep[] {
  return [...new Map(steps.map((step) => [JSON.stringify(step), step])).values()];
}

/** Reasons first, then the newest. */
function relatedChanges(
  cause: Cause,
  since: Instant,
  snapshot: Snapshot,
  changes: readonly Change[],
): readonly Related[] {
  const spec = causeSpec(cause.id);
  const kinds = spec === undefined ? new Set<ChangeKind>() : explainingKinds(spec);
  const subject = subjectOf(cause, snapshot);
  const intervals = intervalSecondsOf(cause, snapshot);
  const reasonFrom = since - (REASON_SECONDS + TURNS * intervals) * 1000;
  const toldFrom = since - (TOLD_SECONDS + TURNS * intervals) * 1000;
  const isPrior = ({ at, earliest = at }: Change): boolean =>
    at >= toldFrom && earliest <= since + TOLERANCE_MILLISECONDS;
  const found = [...Map.groupBy(changes, ({ what }) => what).values()].flatMap(
    (group): readonly Related[] => {
      const change = sumOfChanges(group, isPrior);
      if (change === undefined || !isTold(change, cause)) return [];
      const lines = concernOf(change, subject);
      if (lines === undefined || !usesFile(change, subject)) {
        // Told all the same: a person may know more of it.
        return change.at < reasonFrom ? [] : [{ change, lines: NO_LINES, isReason: false }];
      }
      const own = ofKinds(change, lines, kinds);
      const isReason =
        own !== undefined && change.at >= reasonFrom && isInEffect(change, own, subject, cause.id);
      return own === undefined && change.at < reasonFrom
        ? []
        : [{ change, lines: own ?? lines, isReason }];
    },
  );
  return found
    .toSorted((a, b) => Number(b.isReason) - Number(a.isReason) || b.change.at - a.change.at)
    .slice(0, MAX_TOLD);
}

const NO_LINES: ConcernedLines = { removed: [], added: [] };

function intervalSecondsOf({ evidence }: Cause, { checks }: Snapshot): number {
  const ids = new Set(evidence.map(({ check }) => check));
  return Math.max(0, ...checks.map(({ check }) => (ids.has(check.id) ? check.intervalSeconds : 0)));
}

/** The end of the process is what the cause itself says. */
function isTold({ kind, after }: Change, { id }: Cause): boolean {
  return kind !== 'process' || (after !== 'none' && !id.startsWith('runner-'));
}

/** The lines of kinds that can produce the cause; undefined where the change is of no such kind. */
function ofKinds(
  { kind }: Change,
  { removed, added }: ConcernedLines,
  kinds: ReadonlySet<ChangeKind>,
): ConcernedLines | undefined {
  const isOwn = (line: { readonly kind?: ChangeKind }): boolean => kinds.has(line.kind ?? kind);
  const own = {
    removed: removed.filter((line) => isOwn(line)),
    added: added.filter((line) => isOwn(line)),
  };
  const hasOwn = own.removed.length + own.added.length > 0;
  const hadLines = removed.length + added.length > 0;
  return hasOwn || (!hadLines && kinds.has(kind)) ? own : undefined;
}

/** Files whose change without a changed line, such as in a comment, changes nothing for the runner. */
const BY_LINES: ReadonlySet<ChangeKind> = new Set([
  'hosts-file',
  'resolver',
  'name-services',
  'config',
  'proxy-environment',
  'routes',
  'unit',
]);

/** A line of the hosts file counts where the name led elsewhere before, or DNS is known to lead elsewhere. */
function isInEffect(
  { kind, linkBefore, linkAfter }: Change,
  { removed, added }: ConcernedLines,
  { addresses }: Subject,
  cause: string,
): boolean {
  if (linkBefore !== linkAfter) return true;
  if (BY_LINES.has(kind) && removed.length + added.length === 0) return false;
  if (kind !== 'hosts-file' || cause === 'dns-hosts-override-stale') return true;
  return removed.some(({ key }) => !addresses.has(key.split(' ')[0] ?? ''));
}
