/** Faults of GitLab that end by themselves, at the usual pace: a runner without work logs nothing of the end. */
import { gitlabError } from '../../src/demo/gitlab-response.ts';
import { nginxPage, onWrites } from '../replies.ts';
import { usualEntry } from '../runner-config.ts';
import type { FaultRow, Row } from '../scenario.ts';
import type { World } from '../world.ts';

const TWO = [usualEntry(), usualEntry({ name: 'shell-2' })];

type Ending = Pick<FaultRow, 'id' | 'title' | 'world' | 'inject' | 'expect' | 'ends' | 'mustNot'>;

function endsAlone(row: Ending): FaultRow {
  return {
    ...row,
    world: { logFormat: 'text', hasDefaultPace: true, ...row.world },
    endsAlone: true,
    needsHistory: true,
    isStraight: true,
  };
}

/** Requests with a token that runnerwatch has sent. */
function tokenRequests({ gitlab }: World): number {
  const own = gitlab.application.requests.filter(
    ({ userAgent, hasToken }) => hasToken && userAgent.startsWith('runnerwatch'),
  );
  return own.length;
}

export const endRows: readonly Row[] = [
  endsAlone({
    id: 'Y-12',
    title: 'polls of two entries were answered 500: one token proves the end for both',
    world: { entries: TWO },
    inject: ({ answers }) =>
      answers(({ path }) =>
        path.endsWith('/jobs/request') ? gitlabError(500, '500 Internal Server Error') : undefined,
      ),
    expect: { cause: 'gitlab-internal-error', severity: 'critical' },
    mustNot: ['unknown', 'token-rejected'],
    ends: async (world) => {
      const asked = tokenRequests(world);
      // The daemon at its start, and `check`, have asked about each.
      return asked === 2 * TWO.length + 1 ? undefined : `${asked} requests had a token`;
    },
  }),
  endsAlone({
    id: 'Y-13',
    title: 'the API alone was answered 502, and the health page as ever',
    inject: ({ answers }) =>
      answers(({ path }) =>
        path.startsWith('/api/') ? nginxPage(502, '502 Bad Gateway') : undefined,
      ),
    expect: { cause: ['gitlab-bad-gateway', 'gitlab-booting'], chain: 'o/o/n/o/o/F/s' },
    mustNot: ['unknown'],
  }),
  {
    ...endsAlone({
      id: 'Y-14',
      title: 'the token was refused, and is accepted when the penalty of the runner is over',
      inject: ({ gitlab, entries }) =>
        void gitlab.application.tokens.delete(entries[0]?.token ?? ''),
      expect: { cause: 'token-rejected', severity: 'critical', chain: 'o/o/n/o/o/o/F' },
      mustNot: ['unknown', 'runner-disabled-unhealthy'],
    }),
    // A regular turn may find it accepted while the entry is still disabled.
    isStraight: false,
  },
  endsAlone({
    id: 'Y-15',
    title: 'maintenance: writes were answered 503',
    inject: ({ answers }) =>
      answers(onWrites(gitlabError(503, 'GitLab is currently in maintenance mode'))),
    expect: { cause: 'gitlab-maintenance-mode', severity: 'warning', chain: 'o/o/n/o/o/o/u' },
    mustNot: ['unknown', 'token-rejected', 'gitlab-unavailable'],
  }),
];
