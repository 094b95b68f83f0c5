/**
 * Lint findings that are causes. An ignored key explains a failure only if that failure exists;
 * otherwise it is a notice and does not page.
 */
import { purposeOfKey } from '../../config/runner/key-purpose.ts';
import type { CheckState } from '../../core/check.ts';
import type { Cause } from '../../core/diagnosis.ts';
import type { LintFinding } from '../../core/lint.ts';
import type { RunnerTarget } from '../../core/target.ts';
import type { Severity } from '../../core/vocabulary.ts';
import { PROBLEM_REASONS } from '../../go/tls/certificate-problem.ts';
import { buildCause, requireCause } from '../build-cause.ts';
import type { SnapshotIndex } from '../snapshot-index.ts';
import { hasReason, isFail, isTroubled } from '../snapshot-index.ts';
import { specOfFinding } from './default.ts';

const MAX_EVIDENCE = 8;

export function lintCauses(indexed: SnapshotIndex): readonly Cause[] {
  const { lint } = indexed.context;
  const [state] = indexed.statesOf('config');
  // The process does not use a file that does not load.
  if (lint === undefined || state === undefined || isTroubled(state)) return [];
  const of = (...rules: readonly string[]): readonly LintFinding[] =>
    lint.findings.filter(({ rule }) => rules.includes(rule));
  const useless = uselessSettings(of('T07', 'P13'), indexed);
  const unknown = of('P13', 'P14').filter((finding) => !useless.includes(finding));
  return [
    ...causeOf('config-executor-unknown', of('X01'), state, indexed),
    ...causeOf('config-executor-section-missing', of('X02'), state, indexed),
    ...unknownKeys(unknown, state, indexed),
    ...causeOf('config-setting-ineffective', useless, state, indexed),
    ...causeOf('config-concurrency-starvation', of('G03'), state, indexed),
    ...causeOf('system-id-clash', of('F11'), state, indexed),
  ];
}

function causeOf(
  id: string,
  findings: readonly LintFinding[],
  state: CheckState,
  indexed: SnapshotIndex,
  over: { readonly severity?: Severity; readonly runners?: readonly RunnerTarget[] } = {},
): readonly Cause[] {
  const [first] = findings;
  if (first === undefined) return [];
  const cause = buildCause(indexed, {
    spec: requireCause(id),
    states: [state],
    scopeId: indexed.context.configPath,
    runners: runnersOf(findings, indexed),
    facts: {
      line: first.line ?? 0,
      key: first.key ?? '',
      message: first.message,
      corrected: first.corrected ?? '',
      count: findings.length,
    },
    ...over,
  });
  return [{ ...cause, evidence: evidenceOf(findings, state, indexed) }];
}

function evidenceOf(
  findings: readonly LintFinding[],
  state: CheckState,
  { snapshot }: SnapshotIndex,
): Cause['evidence'] {
  const at = state.last?.startedAt ?? snapshot.takenAt;
  return findings.slice(0, MAX_EVIDENCE).map(({ rule, line, message, corrected }) => {
    const where = line === undefined ? '' : `line ${line}: `;
    const write = corrected === undefined ? '' : `; write ${corrected}`;
    return { check: state.check.id, at, text: `${where}${message} (${rule})${write}` };
  });
}

/** The entries with findings; for a finding about the whole file all of them. */
function runnersOf(
  findings: readonly LintFinding[],
  { context }: SnapshotIndex,
): readonly RunnerTarget[] {
  const numbers = findings.map(({ entry }) => entry);
  if (numbers.includes(undefined)) return context.runners;
  return context.runners.filter((_, index) => numbers.includes(index + 1));
}

/** A misspelled `tls-ca-file` is the cause of an untrusted certificate; any other key is a notice. */
function unknownKeys(
  findings: readonly LintFinding[],
  state: CheckState,
  indexed: SnapshotIndex,
): readonly Cause[] {
  const id = 'config-unknown-key';
  const { suppresses = [] } = requireCause(id);
  // A CA file would have prevented what this cause explains.
  const isUntrusted: LinkTest = (link) => suppresses.includes(specOfFinding(link)?.id ?? '');
  const explains = findings.filter((one) => isCaFile(one) && isRefused(one, isUntrusted, indexed));
  const others = findings.filter((one) => !explains.includes(one));
  return explains.length > 0
    ? causeOf(
        id,
        explains.map((one) => asCaFile(one)),
        state,
        indexed,
      )
    : causeOf(id, others, state, indexed, { severity: 'notice' });
}

function isCaFile({ key = '' }: LintFinding): boolean {
  return purposeOfKey(key) === 'authority';
}

/** The nearest name that the linter knows may belong to another table. */
function asCaFile(finding: LintFinding): LintFinding {
  return { ...finding, corrected: 'tls-ca-file, in [[runners]]' };
}

/** Settings meant to turn off verification, while it rejects GitLab. */
function uselessSettings(
  findings: readonly LintFinding[],
  indexed: SnapshotIndex,
): readonly LintFinding[] {
  return findings.filter(
    ({ rule, key = '', ...rest }) =>
      (rule === 'T07' || purposeOfKey(key) === 'verification') &&
      isRefused({ rule, key, ...rest }, isVerification, indexed),
  );
}

type LinkTest = (link: CheckState) => boolean;

/** A failure of verification, which an administrator may have wanted to turn off. */
const isVerification: LinkTest = (link) => hasReason(link, ...Object.keys(PROBLEM_REASONS));

/** The tls link of the entry fails in this way. */
function isRefused(finding: LintFinding, isMeant: LinkTest, indexed: SnapshotIndex): boolean {
  const concerned = new Set(runnersOf([finding], indexed).map(({ endpoint }) => endpoint));
  return indexed.context.endpoints
    .filter(({ id }) => concerned.has(id))
    .flatMap((endpoint) => indexed.linksOf(endpoint))
    .some((link) => link.check.probe.id === 'tls' && isFail(link) && isMeant(link));
}
