/** What changed between two judgements, as log lines: one per transition, none per run. */
import type { Cause, Diagnosis } from '../core/diagnosis.ts';

export interface Change {
  readonly level: 'info' | 'warn';
  readonly message: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export function causeChanges(before: Diagnosis | undefined, after: Diagnosis): readonly Change[] {
  const old = byKey(before?.causes ?? []);
  const now = byKey(after.causes);
  const appeared = after.causes.filter((cause) => !old.has(keyOf(cause)));
  const confirmed = after.causes.filter(
    (cause) =>
      cause.confidence === 'confirmed' && old.get(keyOf(cause))?.confidence === 'suspected',
  );
  const resolved = (before?.causes ?? []).filter((cause) => !now.has(keyOf(cause)));
  return [
    ...appeared.map((cause) => changeOf(cause, 'cause appeared')),
    ...confirmed.map((cause) => changeOf(cause, 'cause confirmed')),
    ...resolved.map((cause) => ({ ...changeOf(cause, 'cause resolved'), level: 'info' as const })),
    ...verdictChange(before, after),
  ];
}

function verdictChange(before: Diagnosis | undefined, after: Diagnosis): readonly Change[] {
  if (before?.verdict === after.verdict) return [];
  const data = { from: before?.verdict ?? 'none', to: after.verdict, summary: after.summary };
  return [{ level: 'info', message: 'verdict changed', data }];
}

function changeOf(cause: Cause, message: string): Change {
  const { id, severity, confidence, scope, summary } = cause;
  const data = {
    cause: id,
    severity,
    confidence,
    target: scope.id,
    runners: scope.runners,
    summary,
  };
  return { level: severity === 'info' ? 'info' : 'warn', message, data };
}

function byKey(causes: readonly Cause[]): ReadonlyMap<string, Cause> {
  return new Map(causes.map((cause) => [keyOf(cause), cause]));
}

function keyOf({ id, scope }: Cause): string {
  return `${id}@${scope.id}`;
}
