/** Causes in a temporary or permanent state of GitLab. */
import type { CauseSpec } from '../cause-spec.ts';
import { step } from '../../core/diagnosis.ts';
import { quoteArgument } from '../../core/shell.ts';
import { family, onHost } from '../cause-spec.ts';

const stateCause = family({
  severity: 'critical',
  scope: 'gitlab',
  resolvedWhen: 'the token check passes again',
});

export const GITLAB_STATE_CAUSES: readonly CauseSpec[] = [
  stateCause({
    id: 'gitlab-migration-backoff',
    severity: 'notice',
    title: 'GitLab is migrating its database and tells runners to wait',
    meaning:
      'During an upgrade GitLab returns 429 to runners until the migrations are complete. It ends by itself.',
    evidence: '429 from GitLab itself that mentions database migrations.',
    notConfusedWith: ['gitlab-rate-limited'],
    from: ['token/migrations'],
    says: (c) => `GitLab at ${c.url} is migrating its database and tells runners to wait`,
    fix: () => [
      step('Wait until the upgrade is complete.'),
      step(
        'If it does not end: check the migrations on the GitLab server.',
        'sudo gitlab-rake db:migrate:status | grep -v "^ *up"',
      ),
    ],
  }),
  stateCause({
    id: 'gitlab-read-only-site',
    title: 'This GitLab site is read-only',
    meaning:
      'The site is a Geo secondary, or its database is read-only: reads work, but runners can never get jobs there. Unlike maintenance mode it does not end by itself.',
    evidence:
      "GitLab rejects writes and its responses mention Geo, its version would answer differently in maintenance mode, or it has rejected writes for a day; or GitLab accepts the token for a read but rejects the runner's polls again after their backoff.",
    notConfusedWith: ['token-rejected', 'gitlab-maintenance-mode'],
    from: [],
    says: (c) => `GitLab at ${c.url} is a read-only site, which gives jobs to no runner`,
    fix: (c) => [
      step(
        `Set url in ${c.config} to the primary site, or to the address that all sites share. The runner loads the change within three seconds.`,
        `sudo grep -n url ${onHost(c, c.config)}`,
      ),
    ],
    suppresses: ['token-rejected', 'gitlab-maintenance-mode', 'runner-disabled-unhealthy'],
  }),
  stateCause({
    id: 'gitlab-version-skew',
    severity: 'warning',
    title: "This GitLab does not have the runner's API endpoint",
    meaning:
      'GitLab itself answers, but does not have this endpoint: the versions of server and runner are too far apart.',
    evidence: "GitLab's own 404 for a request that every supported version has.",
    notConfusedWith: ['url-path-wrong', 'token-rejected'],
    from: ['token/endpoint-missing'],
    says: (c) => `GitLab at ${c.url} does not have the runner's API endpoint (404)`,
    fix: (c) => [
      step(
        'Compare the versions. The runner must not be newer than the server, or older by more than one major version.',
        `${c.place.commands.runner('--version')}; curl -s ${quoteArgument(`${c.url}api/v4/version`)} -H "PRIVATE-TOKEN: $PAT"`,
      ),
    ],
  }),
];
