/** GitLab's API record of a runner, for requests with the API token. */
import { gitlabError, text } from '../../src/demo/gitlab-response.ts';
import type { Reply } from '../../src/demo/gitlab-response.ts';
import type { Override } from '../../src/demo/gitlab-stand-in.ts';
import { CANARY, SYSTEM_ID, usualEntry } from '../runner-config.ts';
import type { WorldOptions } from '../world.ts';

const API_TOKEN = `glpat-${CANARY}api`;
const RUNNER = 7;
const PROJECT = 3;

export interface OnRecord {
  readonly isPaused?: boolean;
  /** Called at each request for the managers. */
  readonly address?: () => string;
  /** Tags of a job that waits. */
  readonly waiting?: readonly string[];
}

/** A host that has the token, and an entry whose number in GitLab is known. */
export const ON_RECORD: WorldOptions = {
  apiToken: API_TOKEN,
  entries: [usualEntry({ more: `  id = ${RUNNER}` })],
  probes: { record: '' },
  before: async ({ answers }) => answers(recordAnswers({})),
};

function json(value: unknown): Reply {
  return { ...text(200, JSON.stringify(value), 'application/json'), isFromRails: true };
}

export function recordAnswers(on: OnRecord): Override {
  const { isPaused = false, address = () => '10.200.0.1', waiting } = on;
  const record = {
    id: RUNNER,
    paused: isPaused,
    tag_list: ['linux'],
    run_untagged: true,
    projects: [{ id: PROJECT }],
  };
  const known: Readonly<Record<string, () => unknown>> = {
    [`/api/v4/runners/${RUNNER}`]: () => record,
    [`/api/v4/runners/${RUNNER}/managers`]: () => [
      { id: 1, system_id: SYSTEM_ID, ip_address: address() },
    ],
    [`/api/v4/projects/${PROJECT}/jobs`]: () =>
      waiting === undefined ? [] : [{ id: 41, status: 'pending', tag_list: waiting }],
  };
  return ({ method, path, token }) => {
    const found = method === 'GET' ? known[path] : undefined;
    if (found === undefined) return undefined;
    return token === API_TOKEN ? json(found()) : gitlabError(401, '401 Unauthorized');
  };
}
