/** Causes in GitLab itself: its state, and what it answers. */
import { step } from '../../core/diagnosis.ts';
import { RELOAD_OWN_SERVICE } from '../../core/own-service.ts';
import { quoteArgument } from '../../core/shell.ts';
import type { CauseContext, CauseSpec } from '../cause-spec.ts';
import { family, isStillWaiting, onHost, responder, statusOf } from '../cause-spec.ts';
import { RUNNER_AGENT } from '../../gitlab/runner-request.ts';
import { curl, networkOwner } from './commands.ts';
import { isOfOwnRule, openForMonitor } from './firewall.ts';

const stateCause = family({
  severity: 'critical',
  scope: 'gitlab',
  resolvedWhen: 'the token check passes again',
});

const webCause = family({
  severity: 'critical',
  scope: 'gitlab',
  resolvedWhen: 'the HTTP and API checks pass again',
});

/** In the first minute of an error that a restart explains as well. */
const orRestarting = (c: CauseContext): string =>
  c.optional('may_restart') !== 'true' ? '' : ', or it may be restarting';

const both = (reason: string): readonly string[] => [`http/${reason}`, `api/${reason}`];

export const GITLAB_CAUSES: readonly CauseSpec[] = [
  stateCause({
    id: 'gitlab-migration-backoff',
    severity: 'notice',
    title: 'GitLab is migrating its database and tells runners to wait',
    meaning:
      'During an upgrade GitLab returns 429 to runners until the migrations are complete. It ends by itself.',
    evidence: '429 from GitLab itself that mentions database migrations.',
    notConfusedWith: ['gitlab-rate-limited'],
    changedBy: [],
    from: ['token/migrations'],
    isAnnounced: true,
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
    changedBy: ['program'],
    from: ['token/endpoint-missing'],
    says: (c) => `GitLab at ${c.url} does not have the runner's API endpoint (404)`,
    fix: (c) => [
      step(
        'Compare the versions: that of GitLab is on its Help page. The runner must not be newer than the server, or older by more than one major version.',
        c.place.commands.runner('--version'),
      ),
    ],
  }),
  webCause({
    id: 'gitlab-bad-gateway',
    title: 'The web server is up, GitLab behind it is down (502)',
    meaning:
      'nginx, the load balancer or Workhorse returns 502: Puma is down or accepts no connections.',
    evidence: '502 from the web server.',
    notConfusedWith: ['gitlab-booting', 'proxy-upstream-failed'],
    from: both('bad-gateway'),
    says: (c) =>
      `${responder(c)} returns 502 for ${c.url}: GitLab behind it is down${orRestarting(c)}`,
    fix: () => [
      step(
        'On the GitLab server: check which service is down.',
        'sudo gitlab-ctl status; sudo gitlab-ctl tail puma',
      ),
      step(
        'On the GitLab server: read what Workhorse, which returns the 502, logs.',
        'sudo gitlab-ctl tail gitlab-workhorse',
      ),
      step('Restart it.', 'sudo gitlab-ctl restart puma'),
    ],
  }),
  webCause({
    id: 'gitlab-booting',
    severity: 'warning',
    title: 'GitLab is starting',
    meaning: 'GitLab shows its startup or deploy page. It ends by itself within minutes.',
    evidence: '502 or 503 with the startup page; or 502 in the first minute after a good response.',
    notConfusedWith: ['gitlab-bad-gateway'],
    from: both('booting'),
    isAnnounced: true,
    says: (c) =>
      c.optional('may_restart') !== 'true'
        ? `GitLab at ${c.url} is starting`
        : `${responder(c)} returns 502 for ${c.url}: GitLab behind it may be restarting`,
    fix: () => [
      step('Wait five minutes, then check again.'),
      step(
        'If it does not end: check the services on the GitLab server.',
        'sudo gitlab-ctl status; sudo gitlab-ctl tail puma',
      ),
    ],
  }),
  webCause({
    id: 'gitlab-unavailable',
    title: 'GitLab is unavailable (503)',
    meaning: '503 that does not mention maintenance: no healthy backend, or an overloaded one.',
    evidence: '503, 502 or 504 for a trivial request.',
    notConfusedWith: ['gitlab-maintenance-mode'],
    from: [...both('unavailable'), 'token/unavailable'],
    isOfOneBackend: true,
    says: (c) =>
      `${responder(c)} returns ${c.optional('status') ?? '503'} for ${c.url}: GitLab is unavailable${orRestarting(c)}`,
    fix: () => [
      step(
        "Check the health of GitLab's backends and of the load balancer.",
        'sudo gitlab-ctl status',
      ),
    ],
  }),
  webCause({
    id: 'gitlab-maintenance-mode',
    severity: 'warning',
    title: 'GitLab is in maintenance mode and rejects writes',
    meaning: 'Reads work, writes are rejected. Old versions return 403, as for an invalid token.',
    evidence: 'A rejection by GitLab itself that mentions maintenance or read-only mode.',
    notConfusedWith: ['token-rejected', 'gitlab-unavailable'],
    from: [...both('maintenance'), 'token/read-only'],
    isAnnounced: true,
    says: (c) => `GitLab at ${c.url} is in maintenance mode or read-only`,
    fix: (c) => [
      step(
        'Wait until the maintenance ends. If this is a Geo secondary, set url to the primary site.',
      ),
      step(
        'Then make the runner retry entries that it has disabled.',
        `sudo touch ${onHost(c, c.config)}`,
      ),
    ],
    resolvedWhen: 'the token check passes again',
    suppresses: ['token-rejected', 'runner-disabled-unhealthy'],
  }),
  webCause({
    id: 'gitlab-internal-error',
    title: 'GitLab returns an internal error (500)',
    meaning: 'The error is in GitLab; the runner and its token are valid.',
    evidence: '500 for a request that GitLab normally answers.',
    notConfusedWith: ['token-rejected'],
    from: [...both('server-error'), 'token/server-error'],
    isOfOneBackend: true,
    says: (c) => `GitLab at ${c.url} returns an internal error (500)`,
    fix: () => [
      step(
        'On the GitLab server: find the error in the log.',
        'sudo gitlab-ctl tail gitlab-rails/exceptions_json.log',
      ),
      step(
        'After a restore: check that gitlab-secrets.json is from the same backup.',
        'sudo gitlab-rake gitlab:doctor:secrets',
      ),
    ],
  }),
  webCause({
    id: 'gitlab-not-responding',
    title: 'GitLab accepts the connection but does not answer',
    meaning: 'The server accepts the request and sends no response, or sends it very slowly.',
    evidence:
      "No complete response to a trivial request. It is a warning until the runner's own time of 10 minutes has passed, or its log says that it gave up.",
    notConfusedWith: ['path-mtu-blackhole', 'proxy-not-responding'],
    from: both('no-answer'),
    says: (c) =>
      isStillWaiting(c)
        ? `${c.url} has not answered so far; the runner waits for it for ${c.fact('runner_waits')}`
        : `${c.url} accepts requests but does not answer`,
    fix: () => [
      step(
        "On the GitLab server: check load, memory and Puma's queue.",
        'uptime; free -m; sudo gitlab-ctl tail puma',
      ),
    ],
  }),
  webCause({
    id: 'connection-reset-midstream',
    severity: 'warning',
    title: 'The connection is closed before GitLab answers',
    meaning: 'TCP and TLS work, but the connection is reset or closed before the response.',
    evidence: 'A reset or close without a response, several times in a row.',
    notConfusedWith: ['gitlab-not-responding', 'tls-handshake-blocked'],
    from: [...both('connection-reset'), ...both('closed')],
    says: (c) => `the connection to ${c.host} is closed before GitLab answers`,
    fix: (c) => [
      step(
        'Check whether curl has the same error.',
        curl(c, '-sv -o /dev/null', `${c.url}-/health`),
      ),
      step(
        'Check the logs of the load balancer and the intrusion prevention system in front of GitLab.',
      ),
    ],
  }),
  webCause({
    id: 'gitlab-slow',
    severity: 'notice',
    title: 'GitLab responds slowly',
    meaning:
      'The responses are correct, but each takes seconds. A TLS handshake of more than 10 s is too late for the runner: then it is critical.',
    evidence: 'Several responses or TLS handshakes in a row above the limit.',
    notConfusedWith: ['gitlab-not-responding', 'dns-slow'],
    from: ['http/slow', 'tls/slow', 'tls/late'],
    lasting: { measures: ['response_seconds', 'handshake_seconds'], option: 'slow_seconds' },
    says: (c) => {
      const took = c.optional('took');
      return took === undefined ? `${c.url} responds slowly` : `${c.url} responds slowly: ${took}`;
    },
    fix: () => [step('On the GitLab server: check the load.', 'uptime; sudo gitlab-ctl tail puma')],
    resolvedWhen: 'responses are fast again',
    confirm: { results: 5 },
  }),
  webCause({
    id: 'gitlab-rate-limited',
    severity: 'warning',
    title: 'GitLab limits the request rate of the runner (429)',
    meaning:
      "GitLab returns 429 to the runner's requests, or to a request that its own limits exempt. The runner waits and retries without an error in the job.",
    evidence:
      "429 for the health request or for a request with a runner's token; or the runner waits for ten seconds or more before it sends a poll again, twice, or once for more than a minute.",
    notConfusedWith: ['monitor-throttled', 'edge-challenge'],
    changedBy: [],
    from: ['http/too-many-requests', 'token/too-many-requests'],
    says: (c) => {
      const wait = c.optional('poll_wait');
      const and =
        wait === undefined ? '' : `; the runner waits ${wait} before it sends a poll again`;
      return `${c.url} limits the request rate of this runner or this address (429)${and}`;
    },
    fix: () => [
      step(
        'Run fewer runners behind this address, or exempt it from the limit.',
        'sudo grep -n -e rate -e throttle /etc/gitlab/gitlab.rb',
      ),
    ],
    suppresses: ['monitor-throttled'],
  }),
  webCause({
    id: 'monitor-throttled',
    severity: 'notice',
    scope: 'monitor',
    title: "GitLab limits runnerwatch's own requests (429)",
    meaning: "Only unauthenticated requests are limited; the runner's polls have a separate limit.",
    evidence:
      "429 for the version request while all other requests succeed; or for the health page while the runner's polls work.",
    notConfusedWith: ['gitlab-rate-limited'],
    changedBy: [],
    from: ['api/too-many-requests', 'token/address-limited'],
    says: (c) => `${c.url} returns 429 for runnerwatch's own requests`,
    fix: (c) => [
      step(
        `Lower requests_per_hour under [gitlab] in ${c.settings}.`,
        `sudoedit ${quoteArgument(c.settings)}`,
      ),
      step('Reload the settings.', RELOAD_OWN_SERVICE),
    ],
    resolvedWhen: 'the API check passes again',
  }),
  webCause({
    id: 'monitor-blocked',
    severity: 'notice',
    scope: 'monitor',
    title: "Only runnerwatch's own requests are blocked",
    meaning:
      "Requests of the runner's kind reach GitLab; those with the user agent, the path or the user of runnerwatch do not. Jobs are not affected.",
    evidence:
      "403, a challenge or a login for the health page or the version request, while a request with the runner's user agent is answered by GitLab, or the runner's polls work; or a rule of this host's firewall that names the user of runnerwatch, while none stops the runner's packets.",
    notConfusedWith: ['edge-waf-blocked', 'edge-ip-banned', 'monitor-throttled'],
    changedBy: [],
    from: [
      'http/only-monitor-refused',
      'api/only-monitor-refused',
      'firewall/only-monitor-blocked',
    ],
    says: (c) =>
      isOfOwnRule(c)
        ? `the firewall rule ${c.fact('rule')} of ${networkOwner(c)} blocks runnerwatch, and not the runner`
        : `${c.optional('responder') ?? 'a server'} in front of ${c.url} blocks runnerwatch's own requests${statusOf(c)}, and not the runner's`,
    fix: (c) =>
      isOfOwnRule(c)
        ? openForMonitor(c)
        : [
            step(
              'Compare the response with what the user agent of the runner gets.',
              `${curl(c, `-si -A '${RUNNER_AGENT}'`, `${c.url}-/health`)} | head -5`,
            ),
            step(
              'On that server: allow the user agent runnerwatch from this host, or leave it: runnerwatch then asks as the runner does.',
            ),
          ],
    resolvedWhen: 'the checks of the path pass again',
  }),
];
