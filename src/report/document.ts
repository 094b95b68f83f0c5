/** The report as a document: `check --format json`, `/api/v1/report` (docs/http.md#the-report). */
import type { PriorChange } from '../core/change.ts';
import type { CheckState } from '../core/check.ts';
import type { Instant } from '../core/clock.ts';
import type { Candidate, Cause, RunnerVerdict } from '../core/diagnosis.ts';
import type { CheckId, Fact } from '../core/finding.ts';
import type { HostContext } from '../core/host-context.ts';
import type { LintReport } from '../core/lint.ts';
import type { View } from '../core/view.ts';

export interface ReportedCause extends Omit<Cause, 'since' | 'evidence' | 'changedBefore'> {
  readonly since: string;
  readonly evidence: readonly {
    readonly check: CheckId;
    readonly at: string;
    readonly text: string;
  }[];
  readonly changedBefore?: readonly (Omit<PriorChange, 'at'> & { readonly at: string })[];
  readonly docs: string;
}

export interface ReportedCheck {
  readonly id: CheckId;
  readonly probe: string;
  readonly target: string;
  readonly status: string;
  readonly reason?: string;
  readonly detail?: string;
  readonly measures: Readonly<Record<string, number | undefined>>;
  readonly facts: Readonly<Record<string, Fact>>;
  readonly at?: string;
  readonly durationSeconds?: number;
  readonly since: string;
  readonly streak: number;
  readonly explainedBy?: string;
}

/** `connected` and `canRunJobs` are absent while unknown. */
export type ReportedRunner = Omit<RunnerVerdict, 'connected' | 'canRunJobs'> &
  Partial<Pick<RunnerVerdict, 'connected' | 'canRunJobs'>>;

export interface Report {
  readonly schema: 1;
  readonly takenAt: string;
  readonly host: string;
  readonly version: string;
  readonly verdict: string;
  readonly summary: string;
  readonly causes: readonly ReportedCause[];
  readonly candidates: readonly Candidate[];
  readonly runners: readonly ReportedRunner[];
  readonly checks: readonly ReportedCheck[];
  /** The findings of `runnerwatch lint` for each live config.toml; absent until it has run. */
  readonly lint?: LintReport;
}

export function reportOf({ snapshot, diagnosis, self }: View): Report {
  return {
    schema: 1,
    takenAt: isoOf(snapshot.takenAt),
    host: snapshot.hostContext.host,
    version: self.version,
    verdict: diagnosis.verdict,
    summary: diagnosis.summary,
    causes: diagnosis.causes.map((cause) => causeDocument(cause)),
    candidates: diagnosis.candidates,
    runners: diagnosis.runners.map((runner) => runnerDocument(runner)),
    checks: snapshot.checks.map((state) => checkDocument(state, diagnosis.causes)),
    ...lintDocument(snapshot.hostContext),
  };
}

/** Of every config.toml; each finding names its file. */
function lintDocument({ contexts }: HostContext): Pick<Report, 'lint'> {
  const reports = contexts.flatMap(({ lint }) => lint ?? []);
  const [first] = reports;
  if (first === undefined) return {};
  return {
    lint: {
      file: first.file,
      findings: reports.flatMap(({ findings }) => findings),
      leftOut: reports.flatMap(({ leftOut }) => leftOut),
      judged: reports.every(({ judged }) => judged),
    },
  };
}

/** In the order in which a person asks. */
function runnerDocument(verdict: RunnerVerdict): ReportedRunner {
  const { runner, name, executor, url, chain, connected, canRunJobs, unproven, cause } = verdict;
  return {
    runner,
    name,
    executor,
    url,
    chain,
    ...(connected === undefined ? {} : { connected }),
    ...(canRunJobs === undefined ? {} : { canRunJobs }),
    ...(unproven === undefined ? {} : { unproven }),
    ...(cause === undefined ? {} : { cause }),
  };
}

export function isoOf(instant: Instant): string {
  return new Date(instant).toISOString();
}

export function causeDocument({ changedBefore, ...cause }: Cause): ReportedCause {
  return {
    ...cause,
    since: isoOf(cause.since),
    evidence: cause.evidence.map(({ check, at, text }) => ({ check, at: isoOf(at), text })),
    ...(changedBefore === undefined
      ? {}
      : { changedBefore: changedBefore.map((one) => ({ ...one, at: isoOf(one.at) })) }),
    docs: `docs/causes.md#${cause.id}`,
  };
}

/** The cause whose evidence or symptom a check is. */
export function explanationOf(id: CheckId, causes: readonly Cause[]): string | undefined {
  return causes.find(
    ({ evidence, explains }) => evidence.some(({ check }) => check === id) || explains.includes(id),
  )?.id;
}

function checkDocument(state: CheckState, causes: readonly Cause[]): ReportedCheck {
  const { check, finding, last, since, streak } = state;
  const isTroubled = finding.status !== 'pass';
  const explainedBy = isTroubled ? explanationOf(check.id, causes) : undefined;
  return {
    id: check.id,
    probe: check.probe.id,
    target: check.target.id,
    status: finding.status,
    ...(finding.status === 'pass' ? {} : { reason: finding.reason, detail: finding.detail }),
    measures: finding.measures ?? {},
    facts: finding.facts ?? {},
    ...(last === undefined
      ? {}
      : { at: isoOf(last.startedAt), durationSeconds: last.durationSeconds }),
    since: isoOf(since),
    streak,
    ...(explainedBy === undefined ? {} : { explainedBy }),
  };
}
