/** Causes in what stands before GitLab, or in its place. */
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

export const EDGE_CAUSES: readonly CauseSpec[] = [
  webCause({
    id: 'edge-waf-blocked',
    title: 'Something before GitLab refuses its API',
    meaning:
      'A web application firewall, a CDN or an allow-list answers 403 in GitLab’s place. The runner’s log says “forbidden”, and the token is fine.',
    evidence: '403 or 406 without any sign of GitLab.',
    notConfusedWith: ['token-rejected', 'proxy-connect-denied'],
    from: [...both('forbidden'), 'token/forbidden-by-edge'],
    says: (c) => `something before GitLab refuses requests to ${c.url}`,
    fix: (c) => [
      step(
        'See who answers.',
        c.place.inNetwork(`curl -si ${quoted(`${c.url}api/v4/version`)} | head -20`),
      ),
      step('Allow this host’s address for /api/v4/jobs* and /api/v4/runners* there.'),
      step(
        'Afterwards wake entries that have switched themselves off.',
        `sudo touch ${onHost(c, c.config)}`,
      ),
    ],
    suppresses: ['runner-disabled-unhealthy'],
  }),
  webCause({
    id: 'edge-ip-banned',
    title: 'The address of this host is banned',
    meaning:
      'Every path, also the sign-in page, answers this address with a plain refusal: GitLab’s Rack Attack or the edge before it has blocked it. The token is fine.',
    evidence:
      'The same plain “Forbidden” on the health page and on the sign-in page; or 429 with “Retry later” to the health page, which GitLab exempts from its limits, and to the runner’s polls.',
    notConfusedWith: ['token-rejected', 'edge-waf-blocked'],
    from: ['http/banned'],
    says: (c) => `${c.host} refuses this host’s address on every path`,
    fix: (c) => [
      step(
        'See it from here, and from another host.',
        c.place.inNetwork(`curl -si ${quoted(`${c.url}users/sign_in`)} | head -5`),
      ),
      step(
        'On the GitLab server: was it Rack Attack? Its log names the address.',
        'sudo grep -h Rack_Attack /var/log/gitlab/gitlab-rails/auth_json.log | tail -5',
      ),
      step('Take the address off the block list there or at the edge, and allow-list it.'),
    ],
    suppresses: ['gitlab-rate-limited', 'runner-disabled-unhealthy'],
  }),
  webCause({
    id: 'edge-challenge',
    title: 'A bot challenge stands before GitLab',
    meaning: 'The CDN wants a browser to solve something; a runner cannot.',
    evidence: 'The header cf-mitigated: challenge.',
    notConfusedWith: ['edge-waf-blocked', 'gitlab-rate-limited'],
    from: [...both('challenge'), 'token/challenge'],
    says: (c) => `a bot challenge stands before ${c.url}`,
    fix: () => [step('At the CDN: a skip rule for this host’s address on /api/.')],
  }),
  webCause({
    id: 'edge-origin-error',
    title: 'The CDN before GitLab cannot reach it',
    meaning: 'The CDN answers with an error of its own about the server behind it.',
    evidence: 'A status from 520 to 530.',
    notConfusedWith: ['gitlab-bad-gateway'],
    from: both('origin-error'),
    says: (c) => `the CDN before ${c.host} cannot reach GitLab (${c.fact('status')})`,
    fix: () => [
      step(
        'On the GitLab server: certificate and firewall towards the CDN.',
        'sudo gitlab-ctl status nginx; sudo nft list ruleset',
      ),
    ],
  }),
  webCause({
    id: 'edge-auth-gateway',
    title: 'A login stands before GitLab’s API',
    meaning: 'Single sign-on, an access gateway or Basic authentication answers in GitLab’s place.',
    evidence: 'A redirect to another host’s login, or 401 with WWW-Authenticate.',
    notConfusedWith: ['token-rejected', 'url-redirect-breaks-post'],
    from: [...both('login-gateway'), 'token/login-gateway'],
    says: (c) => `a login stands before ${c.url}`,
    fix: () => [step('At the gateway: exempt /api/ from the login, for this host’s address.')],
  }),
  webCause({
    id: 'url-redirect-breaks-post',
    title: 'The address in `url` redirects, which turns the runner’s POST into GET',
    meaning:
      'The runner follows the redirect, and its request for jobs arrives as GET. It fails for ever.',
    evidence: 'A redirect on GitLab’s own paths.',
    notConfusedWith: ['url-path-wrong', 'edge-auth-gateway'],
    from: [...both('redirected'), 'token/redirected'],
    says: (c) => `${c.url} redirects to ${c.optional('location') ?? 'another address'}`,
    fix: (c) => [
      step(
        `Put the final address into url in ${c.config}.`,
        `sudo grep -n url ${onHost(c, c.config)}`,
      ),
      step('The runner sees the change within three seconds.'),
    ],
  }),
  webCause({
    id: 'url-path-wrong',
    title: 'GitLab answers, and its API is not below `url`',
    meaning: '`url` holds the path of a project or an API version instead of the instance’s root.',
    evidence: 'GitLab’s signs, there or below another path, and 404 on the version request.',
    notConfusedWith: ['not-a-gitlab-server', 'gitlab-version-skew'],
    from: ['api/wrong-path'],
    says: (c) => `GitLab answers at ${c.host}, but its API is not below ${c.url}`,
    fix: (c) => [
      step(
        `Set url in ${c.config} to ${c.optional('root') ?? 'the instance’s root'}.`,
        `sudo grep -n url ${onHost(c, c.config)}`,
      ),
    ],
    resolvedWhen: 'the api link passes',
  }),
  webCause({
    id: 'not-a-gitlab-server',
    title: 'What answers at `url` is not GitLab',
    meaning:
      'A web server answers, and nothing in its answers comes from GitLab: a wrong host, port or virtual host, or a captive portal.',
    evidence: 'No sign of GitLab on the version request.',
    notConfusedWith: ['url-path-wrong', 'edge-auth-gateway'],
    from: ['api/not-gitlab', 'http/not-http', 'api/not-http'],
    says: (c) => `what answers at ${c.url} is not GitLab`,
    fix: (c) => [
      step(
        'See who answers.',
        c.place.inNetwork(`curl -si ${quoted(`${c.url}api/v4/version`)} | head -20`),
      ),
      step(
        `Correct host, port or path of url in ${c.config}.`,
        `sudo grep -n url ${onHost(c, c.config)}`,
      ),
    ],
    resolvedWhen: 'the api link passes',
  }),
];
