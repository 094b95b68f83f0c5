/**
 * Can the kubernetes executor start the pods of jobs: does its API server answer, and may its account do what jobs need?
 *
 * Source    GET /version and access reviews (POST selfsubjectaccessreviews, which change nothing) with the account that the
 *           executor has: of the pod, or of [runners.kubernetes]. Nothing is created.
 * Measures  answer_seconds, missing_rights.
 * Reasons   setting-missing, host-invalid, unreachable, silent, ca-wrong, certificate-wrong, file-unusable, not-an-api,
 *           account-missing, credentials-rejected, rights-missing, rights-incomplete.
 * Unknown   not-examined: the API is reached through a proxy, does not let us ask, or a file of the runner is not visible here.
 */
import { deadlineOf } from '../core/abort.ts';
import type { Fact, Finding } from '../core/finding.ts';
import type { OptionTable, ValuesOf } from '../core/option.ts';
import type { Tools } from '../core/probe.ts';
import { defineProbe } from '../core/probe.ts';
import { leadToCauses } from '../core/reason.ts';
import { isRecord } from '../core/json.ts';
import type { Secret } from '../core/secret.ts';
import type { ClusterBackend } from '../core/target.ts';
import { plainIdOf } from '../core/target.ts';
import { clusterConnection } from '../go/cluster-connection.ts';
import type { AccessRight, ClusterAnswer, ClusterConnection } from '../host/kubernetes/api.ts';
import { readVersion } from '../host/kubernetes/api.ts';
import type { MissingRights } from '../host/kubernetes/access-reviews.ts';
import { AccessReviews } from '../host/kubernetes/access-reviews.ts';

const OPTIONS = {
  answer_seconds: {
    kind: 'number',
    default: 8,
    unit: 'seconds',
    min: 0.1,
    max: 14,
    help: 'If the API server of Kubernetes takes longer than this to respond, it counts as hung.',
  },
  review_seconds: {
    kind: 'number',
    default: 300,
    unit: 'seconds',
    min: 1,
    max: 86_400,
    help: 'The rights of the account are asked for at most once in this time.',
  },
} as const satisfies OptionTable;

const REASONS = {
  ...leadToCauses(
    'setting-missing',
    'host-invalid',
    'unreachable',
    'silent',
    'ca-wrong',
    'certificate-wrong',
    'file-unusable',
    'not-an-api',
    'account-missing',
    'credentials-rejected',
    'rights-missing',
    'rights-incomplete',
  ),
  'not-examined': {
    kind: 'unseen',
    meaning:
      'The API server of Kubernetes was not asked, or did not let us ask, so it is unknown whether jobs can run.',
    action:
      'Run a job of this entry, or ask with `kubectl auth can-i` as the account of the runner.',
  },
} as const;

const MEASURES = {
  answer_seconds: { help: 'Duration of the response of the API server of Kubernetes.' },
  missing_rights: { help: 'Rights for jobs that the account of the runner lacks.' },
};

type ClusterFinding = Finding<keyof typeof REASONS, keyof typeof MEASURES>;
type Facts = Readonly<Record<string, Fact>>;

interface Failure {
  readonly status: 'fail' | 'unknown';
  readonly reason: keyof typeof REASONS;
  readonly detail: string;
  readonly facts: Facts;
}

export function createKubernetes() {
  const reviews = new AccessReviews();
  return defineProbe({
    id: 'kubernetes',
    title: 'Kubernetes',
    question: 'Can the kubernetes executor start the pods of jobs?',
    kind: 'executor',
    changedBy: ['config-executor'],
    isProvenByJobs: true,
    needs: [],
    intervalSeconds: 60,
    timeoutSeconds: 15,
    options: OPTIONS,
    reasons: REASONS,
    measures: MEASURES,
    applies: ({ backend }) => backend.kind === 'cluster',

    async run(target, options, tools): Promise<ClusterFinding> {
      const { backend } = target;
      const facts = { stands_on: plainIdOf(target), executor: target.executor };
      if (backend.kind !== 'cluster') return unexamined('it has no cluster', facts);
      const own = { ...facts, source: backend.source, ...urlFact(backend) };
      const known = await clusterConnection(backend, {
        paths: tools.paths,
        clock: tools.clock,
        signal: tools.signal,
        timeoutSeconds: options.answer_seconds,
        isUnseen: tools.place.unseen !== undefined,
      });
      if (known.kind === 'unknown') return unexamined(known.detail, own);
      if (known.kind === 'obstacle') {
        return failure(known.obstacle, known.detail, { ...own, ...known.facts });
      }
      return await judge(known.connection, backend, { options, tools, facts: own, reviews });
    },
  });
}

export const kubernetes = createKubernetes();

function unexamined(because: string, facts: Facts): Failure {
  const detail = `whether the account of the runner can start pods is not known: ${because}`;
  return { status: 'unknown', reason: 'not-examined', detail, facts };
}

function failure(reason: keyof typeof REASONS, detail: string, facts: Facts = {}): Failure {
  return { status: 'fail', reason, detail, facts };
}

interface Deps {
  readonly options: ValuesOf<typeof OPTIONS>;
  readonly tools: Tools;
  readonly facts: Facts;
  readonly reviews: AccessReviews;
}

async function judge(
  connection: ClusterConnection,
  backend: ClusterBackend,
  { options, tools, facts, reviews }: Deps,
): Promise<ClusterFinding> {
  const { namespace = '', runsByExec } = backend;
  const { clock, signal } = tools;
  using deadline = deadlineOf(options.answer_seconds, signal);
  const { url, token } = connection;
  const start = clock.seconds();
  const version = await readVersion({ ...connection, signal: deadline.signal });
  const measures = { answer_seconds: clock.seconds() - start };
  const all = { ...facts, ...accountFacts(token, namespace), ...versionFact(version) };
  // The executor asks for it too, before each job.
  if (version.kind === 'untold') return { ...unexamined(version.why, all), measures };
  if (version.kind === 'fault') {
    const detail = `the API server ${url.origin} (${backend.source}): ${version.why}`;
    return { ...failure(version.fault, detail, all), measures };
  }
  // Its answers to them may take as long as the check may: the executor waits for each of its own requests.
  const asked = await reviews.missing(connection, {
    key: `${url.href} ${token?.fingerprint() ?? ''} ${namespace} ${runsByExec}`,
    namespace,
    runsByExec,
    keptSeconds: options.review_seconds,
    now: clock.wall(),
  });
  if (asked.kind === 'answer') return judgeRights(asked.value, all, measures);
  const said =
    asked.kind === 'fault' && !OF_REVIEWS_ALONE.has(asked.fault)
      ? failure(asked.fault, asked.why, all)
      : unexamined(asked.why, all);
  return { ...said, measures };
}

/** The executor sends no reviews, so that a server in between which lets none through harms no job. */
const OF_REVIEWS_ALONE: ReadonlySet<string> = new Set(['silent', 'not-an-api']);

function judgeRights(
  { ofEveryJob, ofSomeJobs }: MissingRights,
  facts: Facts,
  seen: { readonly answer_seconds: number },
): ClusterFinding {
  const missing = [...ofEveryJob, ...ofSomeJobs];
  const measures = { ...seen, missing_rights: missing.length };
  if (missing.length === 0) return { status: 'pass', facts, measures };
  const { account = 'the account of the runner', namespace } = facts;
  const rights = textOf(missing);
  const where = namespace === undefined ? '' : ` in the namespace ${namespace}`;
  const detail = `${account} may not ${rights}${where}`;
  const said = { detail, facts: { ...facts, rights }, measures };
  return ofEveryJob.length > 0
    ? { status: 'fail', reason: 'rights-missing', ...said }
    : { status: 'warn', reason: 'rights-incomplete', ...said };
}

function accountFacts(token: Secret | undefined, namespace: string): Facts {
  const account = accountIn(token);
  return {
    ...(account === undefined ? {} : { account }),
    ...(namespace === '' ? {} : { namespace }),
  };
}

/** With the path below which the API is, as behind Rancher. */
function urlFact({ api }: ClusterBackend): Facts {
  return api === undefined ? {} : { api_url: api.href.replace(/\/$/, '') };
}

function versionFact(version: ClusterAnswer<string>): Facts {
  return version.kind === 'answer' ? { server_version: version.value } : {};
}

function textOf(rights: readonly AccessRight[]): string {
  const groups = Map.groupBy(rights, ({ resource }) => resource);
  return [...groups]
    .map(([resource, of]) => `${of.map(({ verb }) => verb).join('/')} ${resource}`)
    .join(', ');
}

/** Whose token it is, as the token itself says: `system:serviceaccount:gitlab:runner`. */
function accountIn(token: Secret | undefined): string | undefined {
  const [, payload = ''] = token?.reveal().split('.') ?? [];
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString());
    const subject = isRecord(claims) ? claims['sub'] : undefined;
    return typeof subject === 'string' && /^system:serviceaccount:[\w.-]+:[\w.-]+$/.test(subject)
      ? subject
      : undefined;
  } catch {
    return undefined;
  }
}
