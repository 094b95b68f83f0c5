/**
 * What changed just before a cause began, as a line of the cause; where a change of that kind can produce the cause,
 * taking it back is the first step of the fix.
 */
import type { Change, ChangeKind, PriorChange } from '../../core/change.ts';
import type { Instant } from '../../core/clock.ts';
import type { Cause, Diagnosis, FixStep } from '../../core/diagnosis.ts';
import type { CheckId } from '../../core/finding.ts';
import type { View } from '../../core/view.ts';
import { formatDuration } from '../../core/duration-text.ts';
import { causeSpec, isOfFamily } from '../catalogue/index.ts';
import type { ChecksByTarget, ConcernedLines, Subject } from './concern.ts';
import { concernOf, isOfPlace, subjectOf, usesFile } from './concern.ts';
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
  /** Another fault lasted then, so that the change was more likely a repair of it than the reason of this one. */
  readonly isOfRepair?: (change: Change, cause: Cause) => boolean;
}

/** What was judged, and by which probes. */
export type Judged = Pick<View, 'diagnosis' | 'snapshot' | 'probes'>;

export function withChanges(
  { diagnosis, snapshot, probes }: Judged,
  past: ChangeHistory,
): Diagnosis {
  if (past.changes.length === 0 || diagnosis.causes.length === 0) return diagnosis;
  const scene: Scene = {
    snapshot,
    probes,
    past,
    checksByTarget: Map.groupBy(snapshot.checks, ({ check }) => check.target.id),
    intervals: new Map(snapshot.checks.map(({ check }) => [check.id, check.intervalSeconds])),
    byThing: [...Map.groupBy(past.changes, ({ what }) => what).values()],
  };
  const causes = diagnosis.causes.map((cause) => withOwnChanges(cause, scene));
  return { ...diagnosis, causes };
}

/** What is looked up for each cause. */
interface Scene {
  readonly snapshot: View['snapshot'];
  readonly probes: View['probes'];
  readonly past: ChangeHistory;
  readonly checksByTarget: ChecksByTarget;
  readonly intervals: ReadonlyMap<CheckId, number>;
  /** The changes of each thing, newest first. */
  readonly byThing: readonly (readonly Change[])[];
}

/** A change that is still in force, with its part that concerns the cause. */
interface Related {
  readonly change: Change;
  readonly lines: ConcernedLines;
  readonly isReason: boolean;
}

function withOwnChanges(cause: Cause, scene: Scene): Cause {
  const since = Math.min(cause.since, scene.past.beganAt?.(cause) ?? cause.since);
  const span = spanBefore(cause, since, scene);
  const prior = scene.byThing
    .flatMap((changes) => sumOfChanges(changes, (change) => isWithin(change, span)) ?? [])
    .filter((change) => isTold(change, cause));
  if (prior.length === 0) return cause;
  const subject = subjectOf(cause, scene.snapshot, scene.checksByTarget);
  const related = relatedChanges(prior, { cause, span, subject, scene });
  if (related.length === 0) return cause;
  const steps = related
    .filter(({ isReason }) => isReason)
    .flatMap(({ change, lines }) => {
      const when = whenText(since, change.at);
      const { place } = subject.context;
      return undoSteps({ change, lines, place, when }).map((one) => place.fitted?.(one) ?? one);
    });
  return {
    ...cause,
    fix: distinctSteps([...steps, ...cause.fix]),
    changedBefore: related.map((one) => toldChange(one, since)),
  };
}

function toldChange({ change, lines, isReason }: Related, since: Instant): PriorChange {
  const { at, what } = change;
  const secondsBefore = Math.max(0, Math.round((since - at) / 1000));
  return { at, secondsBefore, what, text: describeChange(change, lines), explains: isReason };
}

function whenText(since: Instant, at: Instant): string {
  const seconds = Math.round((since - at) / 1000);
  return `${seconds <= 0 ? 'just' : formatDuration(seconds)} before the fault began`;
}

function distinctSteps(steps: readonly FixStep[]): readonly FixStep[] {
  return [...new Map(steps.map((step) => [JSON.stringify(step), step])).values()];
}

/** The time in which a change is told, and the later part of it in which it may be the reason. */
interface Span {
  readonly toldFrom: Instant;
  readonly reasonFrom: Instant;
  readonly until: Instant;
}

function spanBefore({ evidence }: Cause, since: Instant, { intervals }: Scene): Span {
  const turn = Math.max(0, ...evidence.map(({ check }) => intervals.get(check) ?? 0));
  return {
    toldFrom: since - (TOLD_SECONDS + TURNS * turn) * 1000,
    reasonFrom: since - (REASON_SECONDS + TURNS * turn) * 1000,
    until: since + TOLERANCE_MILLISECONDS,
  };
}

function isWithin({ at, earliest = at }: Change, { toldFrom, until }: Span): boolean {
  return at >= toldFrom && earliest <= until;
}

interface Question {
  readonly cause: Cause;
  readonly span: Span;
  readonly subject: Subject;
  readonly scene: Scene;
}

/** Reasons first, then the newest. */
function relatedChanges(prior: readonly Change[], asked: Question): readonly Related[] {
  const spec = causeSpec(asked.cause.id);
  const kinds =
    spec === undefined ? new Set<ChangeKind>() : explainingKinds(spec, asked.scene.probes);
  return prior
    .filter((change) => isOfPlace(change, asked.subject))
    .flatMap((change) => relationOf(change, kinds, asked) ?? [])
    .toSorted((a, b) => Number(b.isReason) - Number(a.isReason) || b.change.at - a.change.at)
    .slice(0, MAX_TOLD);
}

function relationOf(
  change: Change,
  kinds: ReadonlySet<ChangeKind>,
  { cause, span, subject, scene }: Question,
): Related | undefined {
  const isRecent = change.at >= span.reasonFrom;
  const lines = usesFile(change, subject) ? concernOf(change, subject) : undefined;
  const own = lines === undefined ? undefined : ofKinds(change, lines, kinds);
  if (own === undefined) {
    // Told all the same: a person may know more of it.
    return isRecent ? { change, lines: lines ?? NO_LINES, isReason: false } : undefined;
  }
  const isRepair = scene.past.isOfRepair?.(change, cause) ?? false;
  const isReason = isRecent && !isRepair && isInEffect(change, own, subject, cause.id);
  return { change, lines: own, isReason };
}

const NO_LINES: ConcernedLines = { removed: [], added: [] };

/** The end of the process is what the cause itself says. */
function isTold({ kind, after }: Change, { id }: Cause): boolean {
  return kind !== 'process' || (after !== 'none' && !isOfFamily(id, 'process', 'runner'));
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
