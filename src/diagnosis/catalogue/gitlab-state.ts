/** Causes in a state that GitLab is in for a while, or for good. */
import type { CauseSpec } from '../cause-spec.ts';
import { step } from '../../core/diagnosis.ts';
import { quoted } from '../../core/shell.ts';
import { family, onHost } from '../cause-spec.ts';

const stateCause = family({
  severity: 'critical',
  scope: 'gitlab',
  resolvedWhen: 'the token link passes',
});

export const GITLAB_STATE_CAUSES: readonly CauseSpec[] = [
  stateCause({
    id: 'gitlab-migration-backoff',
    severity: 'notice',
    title: 'GitLab is migrating its database and asks runners to wait',
    meaning:
      'During an upgrade GitLab answers runners with 429 until the migrations are through. It goes by itself.',
    evidence: '429 of GitLab itself that speaks of database migrations.',
    notConfusedWith: ['gitlab-rate-limited'],
    from: ['token/migrations'],
    says: (c) => `GitLab at ${c.url} is migrating its database and asks runners to wait`,
    fix: () => [
      step('Wait for the end of the upgrade.'),
      step(
        'If it stays: on the GitLab server.',
        'sudo gitlab-rake db:migrate:status | grep -v "^ *up"',
      ),
    ],
  }),
  stateCause({
    id: 'gitlab-read-only-site',
    title: 'This GitLab is a site that cannot be written to',
    meaning:
      'A Geo secondary, or a GitLab on a read-only database: reading works, and a runner can never fetch a job there. Unlike maintenance it does not end by itself.',
    evidence:
      'GitLab refuses to write and shows signs of Geo, or is too new to answer so in maintenance, or has refused for a day; or takes the token in a request that reads, and refuses the runner’s polls again after their penalty.',
    notConfusedWith: ['token-rejected', 'gitlab-maintenance-mode'],
    from: [],
    says: (c) => `GitLab at ${c.url} is a read-only site, from which no runner gets a job`,
    fix: (c) => [
      step(
        `Point url in ${c.config} at the primary site, or at the address that all sites share; the runner loads it within three seconds.`,
        `sudo grep -n url ${onHost(c, c.config)}`,
      ),
    ],
    suppresses: ['token-rejected', 'gitlab-maintenance-mode', 'runner-disabled-unhealthy'],
  }),
  stateCause({
    id: 'gitlab-version-skew',
    severity: 'warning',
    title: 'This GitLab does not know the requests of the runner',
    meaning:
      'It is GitLab that answers, and it has no such endpoint: server and runner are of versions too far apart.',
    evidence: 'GitLab’s own 404 to a request that every supported version knows.',
    notConfusedWith: ['url-path-wrong', 'token-rejected'],
    from: ['token/endpoint-missing'],
    says: (c) => `GitLab at ${c.url} does not know the runner’s request (404)`,
    fix: (c) => [
      step(
        'Compare the versions; the runner should not be newer than the server, nor older by more than one major.',
        `${c.place.commands.runner('--version')}; curl -s ${quoted(`${c.url}api/v4/version`)} -H "PRIVATE-TOKEN: $PAT"`,
      ),
    ],
  }),
];
