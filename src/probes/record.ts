/**
 * What does GitLab's API say about this entry?
 *
 * Source    GitLab's REST API with an API token (`[gitlab] api_token_file`, scope `read_api`): the runner, its
 *           managers, and the waiting jobs of its projects. Without the token the check does not exist.
 * Measures  managers, waiting_jobs (counts).
 * Reasons   paused, system-id-clash, no-matching-runner.
 * Unknown   no-api-token: the file cannot be read; refused: GitLab does not accept the token; record-error.
 *
 * Nothing here is between the runner and GitLab: it explains why a healthy runner gets no job.
 */
import { readFile } from 'node:fs/promises';

import { ExchangeError } from '../core/exchange-error.ts';
import type { Finding } from '../core/finding.ts';
import type { HttpAnswer, LinkTools } from '../core/probe.ts';
import { defineProbe } from '../core/probe.ts';
import { leadToCauses } from '../core/reason.ts';
import { Secret } from '../core/secret.ts';
import type { RunnerTarget } from '../core/target.ts';
import type { RunnerManager, RunnerRecord } from '../gitlab/runner-record.ts';
import { isMatching, managersOf, recordOf, waitingJobsOf } from '../gitlab/runner-record.ts';

const ANSWER_SECONDS = 5;
const MAX_PROJECTS = 3;
/** An address that changes once is a host that moved; one that changes again is two hosts. */
const MIN_CHANGES = 2;
const MAX_ADDRESSES = 10;

const REASONS = {
  ...leadToCauses('paused', 'system-id-clash', 'no-matching-runner'),
  'no-api-token': {
    kind: 'unseen',
    meaning: 'The file with the API token cannot be read.',
    action: 'Correct api_token_file under [gitlab], or its permissions.',
  },
  refused: {
    kind: 'unseen',
    meaning: 'GitLab does not accept the API token for this runner.',
    action: 'Create one with the scope read_api, for a user who can see the runner.',
  },
  'record-error': {
    kind: 'unseen',
    meaning: "GitLab's response has no information about the runner.",
    action: 'Read the detail.',
  },
} as const;

type Reason = keyof typeof REASONS;

export function createRecord() {
  /** Addresses of the manager with this host's system id, as they were seen, by entry. */
  const seen = new Map<string, readonly string[]>();
  return defineProbe({
    id: 'record',
    title: 'Runner record in GitLab',
    question: 'What does GitLab store about this runner?',
    kind: 'runner',
    needs: ['api'],
    intervalSeconds: 900,
    timeoutSeconds: 15,
    requests: { record: 'paced' },
    options: {},
    reasons: REASONS,
    measures: {
      managers: { help: 'Hosts that use the token of this entry, according to GitLab.' },
      waiting_jobs: {
        help: "Jobs in the runner's projects that wait for other tags; at most 20 per project.",
      },
    },
    applies: (target) => target.record !== undefined,

    run: async (target, _options, tools) => await queryRecord(target, tools, seen),
  });
}

export const record = createRecord();

async function queryRecord(
  target: RunnerTarget,
  tools: LinkTools,
  seen: Map<string, readonly string[]>,
): Promise<Finding<Reason, 'managers' | 'waiting_jobs'>> {
  const { record: access, name } = target;
  const secret = await readToken(access?.tokenFile);
  if (access === undefined || secret === undefined) {
    return unknown('no-api-token', `${access?.tokenFile ?? 'api_token_file'} cannot be read`);
  }
  const ask = asker(secret, tools);
  const answer = await ask(`runners/${access.id}`);
  const record = answer === undefined ? undefined : recordOf(answer);
  if (record === undefined) return missingRecord(answer, name);
  const managers = await managersFrom(ask, access.id);
  const waiting = await waitingFor(record, ask);
  const measures = {
    ...(managers === undefined ? {} : { managers: managers.length }),
    ...(waiting.isWhole ? { waiting_jobs: waiting.jobs.length } : {}),
  };
  const addresses = cachedFinding(seen, target, managers ?? []);
  const facts = {
    runner: target.id,
    name,
    addresses: addresses.join(', '),
    jobs: waiting.jobs.slice(0, 3).join(', '),
  };
  const fault = faultOf(name, record, addresses, waiting.jobs);
  return fault === undefined ? { status: 'pass', measures, facts } : { ...fault, measures, facts };
}

type Ask = (path: string) => Promise<HttpAnswer | undefined>;

function asker(secret: Secret, { walk, signal }: LinkTools): Ask {
  return async (path) => {
    try {
      const headers = { 'PRIVATE-TOKEN': secret.reveal(), Accept: 'application/json' };
      const request = {
        method: 'GET',
        path: `api/v4/${path}`,
        headers,
        timeoutSeconds: ANSWER_SECONDS,
      } as const;
      return await walk.send?.(request, signal);
    } catch (error) {
      if (error instanceof ExchangeError) return undefined;
      throw error;
    }
  };
}

async function readToken(file: string | undefined): Promise<Secret | undefined> {
  const text = file === undefined ? '' : await readFile(file, 'utf8').catch(() => '');
  return text.trim() === '' ? undefined : new Secret(text.trim());
}

function unknown(reason: Reason, detail: string) {
  return { status: 'unknown', reason, detail } as const;
}

function missingRecord(answer: HttpAnswer | undefined, name: string) {
  const isRefused = answer !== undefined && [401, 403, 404].includes(answer.status);
  const said = answer === undefined ? 'did not respond' : `returned ${answer.status}`;
  return unknown(
    isRefused ? 'refused' : 'record-error',
    `GitLab ${said} for the record of ${name}`,
  );
}

async function managersFrom(ask: Ask, id: number): Promise<readonly RunnerManager[] | undefined> {
  const answer = await ask(`runners/${id}/managers`);
  return answer === undefined ? undefined : managersOf(answer);
}

interface Waiting {
  /** `job 7 (gpu)`: what no tag of this runner fits. */
  readonly jobs: readonly string[];
  /** GitLab answered for every project that was requested. */
  readonly isWhole: boolean;
}

async function waitingFor(known: RunnerRecord, ask: Ask): Promise<Waiting> {
  const projects = known.projects.slice(0, MAX_PROJECTS);
  const lists = [];
  for (const id of projects) {
    const answer = await ask(`projects/${id}/jobs?scope[]=pending&per_page=20`);
    lists.push(answer === undefined ? undefined : waitingJobsOf(answer));
  }
  const jobs = lists
    .flatMap((list) => list ?? [])
    .filter((job) => !isMatching(known, job))
    .map(({ id, tags }) => `job ${id} (${tags.join(' ') || 'no tag'})`);
  return { jobs, isWhole: !lists.includes(undefined) };
}

/** The addresses that our manager had, each change of them; the current one last. */
function cachedFinding(
  seen: Map<string, readonly string[]>,
  { id, systemId }: RunnerTarget,
  managers: readonly RunnerManager[],
): readonly string[] {
  const address = managers.find((one) => one.systemId === systemId)?.address ?? '';
  const before = seen.get(id) ?? [];
  const now = address === '' || before.at(-1) === address ? before : [...before, address];
  seen.set(id, now.slice(-MAX_ADDRESSES));
  return now;
}

function warn(reason: Reason, detail: string) {
  return { status: 'warn', reason, detail } as const;
}

function faultOf(
  name: string,
  known: RunnerRecord,
  addresses: readonly string[],
  waiting: readonly string[],
) {
  if (addresses.length > MIN_CHANGES && new Set(addresses).size < addresses.length) {
    return warn(
      'system-id-clash',
      `the runner manager of ${name} with this host's system id had the addresses ${addresses.join(', ')}`,
    );
  }
  if (known.isPaused) return warn('paused', `${name} is paused in GitLab`);
  const [first] = waiting;
  return first === undefined
    ? undefined
    : warn(
        'no-matching-runner',
        `${first} is waiting, and ${name} has the tags ${known.tags.join(' ') || 'none'}`,
      );
}
