/** Several changes of one thing as one: what is different now from how it was before the first of them. */
import type { Change, ChangedLine } from '../../core/change.ts';

/**
 * Of changes of one thing, newest first. Undefined when none is wanted, or when later ones took it back; what came
 * later than the wanted ones counts as well, since only what still holds can be taken back.
 */
export function sumOfChanges(
  changes: readonly Change[],
  isWanted: (change: Change) => boolean,
): Change | undefined {
  const latest = changes.find((change) => isWanted(change));
  const first = changes.findLast((change) => isWanted(change));
  if (latest === undefined || first === undefined) return undefined;
  const counted = changes.slice(0, changes.lastIndexOf(first) + 1);
  const [now = latest] = counted;
  const lines = linesOf(counted.toReversed());
  const isBack = now.after === first.before && now.linkAfter === first.linkBefore;
  // What is hidden is not in the texts.
  if (isBack && !hasHidden(lines)) return undefined;
  if (counted.length === 1) return latest;
  const { removed: _removed, added: _added, linesBefore: _lines, ...rest } = latest;
  return {
    ...rest,
    before: first.before,
    after: now.after,
    ...linkOf('linkBefore', first.linkBefore),
    ...linkOf('linkAfter', now.linkAfter),
    ...lines,
    ...(counted.some(({ isCut }) => isCut === true) ? { isCut: true as const } : {}),
    ...(first.linesBefore === undefined ? {} : { linesBefore: first.linesBefore }),
  };
}

function linkOf(name: 'linkBefore' | 'linkAfter', link: string | undefined) {
  return link === undefined ? {} : { [name]: link };
}

function hasHidden({ removed = [], added = [] }: Pick<Change, 'removed' | 'added'>): boolean {
  return [...removed, ...added].some(({ isHidden }) => isHidden === true);
}

function linesOf(oldestFirst: readonly Change[]): Pick<Change, 'removed' | 'added'> {
  let removed: readonly ChangedLine[] = [];
  let added: readonly ChangedLine[] = [];
  for (const change of oldestFirst) {
    const gone = change.removed ?? [];
    const come = change.added ?? [];
    // What was added before and goes again is nothing; so is what was removed and comes back.
    const kept = withoutSame(added, gone);
    const lost = withoutSame(gone, added);
    const returned = withoutSame(removed, come);
    const fresh = withoutSame(come, removed);
    added = [...kept, ...fresh];
    removed = [...returned, ...lost];
  }
  return {
    ...(removed.length === 0 ? {} : { removed }),
    ...(added.length === 0 ? {} : { added }),
  };
}

function withoutSame(
  lines: readonly ChangedLine[],
  others: readonly ChangedLine[],
): readonly ChangedLine[] {
  return lines.filter((line) => !others.some((other) => isSameLine(line, other)));
}

function isSameLine(a: ChangedLine, b: ChangedLine): boolean {
  return a.key === b.key && a.entry === b.entry;
}
