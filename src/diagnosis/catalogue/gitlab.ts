/** Causes in GitLab itself. */
import type { CauseSpec } from '../cause-spec.ts';
import { step } from '../../core/diagnosis.ts';
import { quoted } from '../../core/shell.ts';
import { family, onHost } from '../cause-spec.ts';

const webCause = family({
  severity: 'critical',
  scope: 'gitlab',
  resolvedWhen: 'the http and api links pass',
});

const both = (reason: string): readonly string[] => [`http/${reason}`, `api/${reason}`];

export const GITLAB_CAUSES: readonly CauseSpec[] = [
  webCause({
    id: 'gitlab-bad-gateway',
    title: 'GitLab’s web tier answers, and GitLab behind it does not',
    meaning: 'nginx, the load balancer or Workhorse answers 502: Puma is down or does not accept.',
    evidence: '502 from the web tier.',
    notConfusedWith: ['gitlab-booting', 'proxy-upstream-failed'],
    from: both('bad-gateway'),
    says: (c) => `${c.url} answers 502: the web tier is up, GitLab behind it is not`,
    fix: () => [
      step(
        'On the GitLab server: what is down?',
        'sudo gitlab-ctl status; sudo gitlab-ctl tail puma gitlab-workhorse',
      ),
      step('Start it again.', 'sudo gitlab-ctl restart puma'),
    ],
  }),
  webCause({
    id: 'gitlab-booting',
    severity: 'warning',
    title: 'GitLab is starting',
    meaning: 'The boot or deploy page is shown. It goes by itself within minutes.',
    evidence: '502 or 503 with the boot page.',
    notConfusedWith: ['gitlab-bad-gateway'],
    from: both('booting'),
    says: (c) => `GitLab at ${c.url} is starting`,
    fix: () => [
      step('Wait; look again in five minutes.'),
      step(
        'If it stays: on the GitLab server.',
        'sudo gitlab-ctl status; sudo gitlab-ctl tail puma',
      ),
    ],
  }),
  webCause({
    id: 'gitlab-unavailable',
    title: 'GitLab says that it is not available',
    meaning: '503 without a word about maintenance: no healthy backend, or an overloaded one.',
    evidence: '503, 502 or 504 on a trivial request.',
    notConfusedWith: ['gitlab-maintenance-mode'],
    from: [...both('unavailable'), 'token/unavailable'],
    says: (c) => `${c.url} answers that it is not available`,
    fix: () => [
      step(
        'Look at the health of GitLab’s backends and of the load balancer.',
        'sudo gitlab-ctl status',
      ),
    ],
  }),
  webCause({
    id: 'gitlab-maintenance-mode',
    severity: 'warning',
    title: 'GitLab refuses to write: maintenance mode',
    meaning:
      'Reading works, writing is refused. In old versions the refusal is a 403 that looks like a bad token; it is not.',
    evidence: 'A refusal of GitLab itself that speaks of maintenance or of being read-only.',
    notConfusedWith: ['token-rejected', 'gitlab-unavailable'],
    from: [...both('maintenance'), 'token/read-only'],
    says: (c) => `GitLab at ${c.url} is in maintenance or read-only`,
    fix: (c) => [
      step(
        'Wait for the end of the maintenance. If it is a Geo secondary, point url at the primary.',
      ),
      step(
        'Afterwards wake entries that have switched themselves off.',
        `sudo touch ${onHost(c, c.config)}`,
      ),
    ],
    resolvedWhen: 'the token link passes',
    suppresses: ['token-rejected', 'runner-disabled-unhealthy'],
  }),
  webCause({
    id: 'gitlab-internal-error',
    title: 'GitLab fails on the request (500)',
    meaning: 'GitLab’s own code failed; the runner and its token are not to blame.',
    evidence: '500 on a request that others answer.',
    notConfusedWith: ['token-rejected'],
    from: [...both('server-error'), 'token/server-error'],
    says: (c) => `GitLab at ${c.url} fails with an internal error`,
    fix: () => [
      step(
        'On the GitLab server: find the error.',
        'sudo gitlab-ctl tail gitlab-rails/exceptions_json.log',
      ),
      step(
        'After a restore: is gitlab-secrets.json the old one?',
        'sudo gitlab-rake gitlab:doctor:secrets',
      ),
    ],
  }),
  webCause({
    id: 'gitlab-not-responding',
    title: 'The connection to GitLab stands, and no answer comes',
    meaning: 'The server accepts the request and stays silent, or its answer trickles.',
    evidence:
      'No complete answer to a trivial request within the deadline, several times in a row.',
    notConfusedWith: ['path-mtu-blackhole', 'proxy-not-responding'],
    from: both('no-answer'),
    says: (c) => `${c.url} accepts requests and does not answer`,
    fix: () => [
      step(
        'On the GitLab server: load, memory, Puma’s queue.',
        'uptime; free -m; sudo gitlab-ctl tail puma',
      ),
    ],
  }),
  webCause({
    id: 'connection-reset-midstream',
    severity: 'warning',
    title: 'The connection is cut instead of an answer',
    meaning: 'TCP and TLS stand, and the exchange ends by a reset or an early end.',
    evidence: 'A reset or an end without an answer, several times in a row.',
    notConfusedWith: ['gitlab-not-responding', 'tls-handshake-blocked'],
    from: [...both('connection-reset'), ...both('closed')],
    says: (c) => `the connection to ${c.host} is cut instead of an answer`,
    fix: (c) => [
      step(
        'Does it happen to others?',
        c.place.inNetwork(`curl -sv -o /dev/null ${quoted(`${c.url}-/health`)}`),
      ),
      step('Look at the logs of load balancer and intrusion prevention before GitLab.'),
    ],
  }),
  webCause({
    id: 'gitlab-slow',
    severity: 'notice',
    title: 'GitLab answers late',
    meaning: 'The answers are right, and each takes seconds.',
    evidence: 'Several answers in a row above the limit.',
    notConfusedWith: ['gitlab-not-responding', 'dns-slow'],
    from: ['http/slow'],
    lasting: { measure: 'response_seconds', option: 'slow_seconds' },
    says: (c) => `${c.url} answers slowly`,
    fix: () => [step('On the GitLab server: what is busy?', 'uptime; sudo gitlab-ctl tail puma')],
    resolvedWhen: 'answers are fast again',
    confirm: { results: 5 },
  }),
  webCause({
    id: 'gitlab-rate-limited',
    severity: 'warning',
    title: 'GitLab limits the rate of the runner',
    meaning:
      'GitLab answers 429 to requests of runners, or to a request that its own limits exempt. The runner waits and tries again, quietly.',
    evidence: '429 on the health request or on a request with a runner’s token.',
    notConfusedWith: ['monitor-throttled', 'edge-challenge'],
    from: ['http/too-many-requests', 'token/too-many-requests'],
    says: (c) => `${c.url} limits the rate of requests of this runner or from this address (429)`,
    fix: () => [
      step(
        'Fewer pollers behind this address, or an exemption for it.',
        'sudo grep -n -e rate -e throttle /etc/gitlab/gitlab.rb',
      ),
    ],
    suppresses: ['monitor-throttled'],
  }),
  webCause({
    id: 'monitor-throttled',
    severity: 'notice',
    scope: 'monitor',
    title: 'GitLab limits runnerwatch’s own requests',
    meaning:
      'Only requests without a user are limited here; the runner’s polls are counted elsewhere.',
    evidence:
      '429 on the version request, while everything else passes; or on the health page, while the runner’s polls work.',
    notConfusedWith: ['gitlab-rate-limited'],
    from: ['api/too-many-requests', 'token/address-limited'],
    says: (c) => `${c.url} answers 429 to runnerwatch’s own requests`,
    fix: () => [
      step('Lower requests_per_hour under [gitlab] in /etc/runnerwatch/runnerwatch.toml.'),
    ],
    resolvedWhen: 'the api link passes',
  }),
];
