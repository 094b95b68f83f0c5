/** Causes in a server in front of GitLab, or in a server instead of GitLab. */
import { step } from '../../core/diagnosis.ts';
import type { CauseContext, CauseSpec } from '../cause-spec.ts';
import { family, onHost, statusOf } from '../cause-spec.ts';
import { RUNNER_AGENT } from '../../gitlab/runner-request.ts';
import { curl } from './commands.ts';

const webCause = family({
  severity: 'critical',
  scope: 'gitlab',
  resolvedWhen: 'the HTTP and API checks pass again',
});

const both = (reason: string): readonly string[] => [`http/${reason}`, `api/${reason}`];

const withText = (before: string, text: string | undefined): string =>
  text === undefined ? '' : `${before}${text}`;

/** The request that was refused: GET, or the runner's own kind. */
function askAgain(c: CauseContext): string {
  if (c.optional('method') !== 'POST') return curl(c, '-si', `${c.url}api/v4/version`);
  const options = `-si -A '${RUNNER_AGENT}' -X POST -H 'Content-Type: application/json' -d '{}'`;
  return curl(c, options, `${c.url}api/v4/runners/verify`);
}

/** "Cloudflare in front of GitLab". */
const inFront = (c: CauseContext): string =>
  `${c.optional('responder') ?? 'a server'} in front of GitLab`;

export const EDGE_CAUSES: readonly CauseSpec[] = [
  webCause({
    id: 'edge-waf-blocked',
    title: 'A server in front of GitLab blocks the runner',
    meaning:
      "A web application firewall, CDN or allow-list in front of GitLab returns 403. The runner's log says 'forbidden', but the token is valid.",
    evidence: '403 or 406 without any header or format of GitLab.',
    notConfusedWith: ['token-rejected', 'proxy-connect-denied'],
    from: [...both('forbidden'), 'token/forbidden-by-edge'],
    says: (c) =>
      `${inFront(c)} blocks ${c.optional('method') === 'POST' ? "the runner's requests" : 'requests'} to ${c.url}${statusOf(c)}`,
    fix: (c) => [
      step('Check which server answers: see the Server header.', `${askAgain(c)} | head -20`),
      step("On that server: allow this host's address for /api/v4/jobs* and /api/v4/runners*."),
      step(
        'Then make the runner retry entries that it has disabled.',
        `sudo touch ${onHost(c, c.config)}`,
      ),
    ],
    suppresses: ['runner-disabled-unhealthy'],
  }),
  webCause({
    id: 'edge-ip-banned',
    title: 'GitLab blocks the IP address of this host',
    meaning:
      'Every path, including the sign-in page, returns 403 to this address: Rack Attack in GitLab or a firewall in front of it has blocked it. The token is valid.',
    evidence:
      "The same plain 'Forbidden' on the health page and on the sign-in page; or 429 with 'Retry later' for the health page, which GitLab exempts from its limits, and for the runner's polls.",
    notConfusedWith: ['token-rejected', 'edge-waf-blocked'],
    from: ['http/banned'],
    says: (c) => `${c.host} blocks this host's IP address on every path`,
    fix: (c) => [
      step(
        'Compare the response here with the response on another host.',
        `${curl(c, '-si', `${c.url}users/sign_in`)} | head -5`,
      ),
      step(
        'On the GitLab server: check whether Rack Attack blocked the address. Its log names it.',
        'sudo grep -h Rack_Attack /var/log/gitlab/gitlab-rails/auth_json.log | tail -5',
      ),
      step(
        'Remove the address from the block list of Rack Attack or of the firewall, and add it to the allow-list.',
      ),
    ],
    suppresses: ['gitlab-rate-limited', 'runner-disabled-unhealthy'],
  }),
  webCause({
    id: 'edge-challenge',
    title: 'A bot challenge in front of GitLab blocks the runner',
    meaning: 'The CDN demands a challenge that only a browser can solve.',
    evidence: 'The header cf-mitigated: challenge.',
    notConfusedWith: ['edge-waf-blocked', 'gitlab-rate-limited'],
    from: [...both('challenge'), 'token/challenge'],
    says: (c) => `a bot challenge in front of ${c.url} blocks the runner`,
    fix: () => [step("In the CDN settings: add a skip rule for this host's address on /api/.")],
  }),
  webCause({
    id: 'edge-origin-error',
    title: 'The CDN in front of GitLab cannot reach it',
    meaning: 'The CDN returns an error of its own about the GitLab server.',
    evidence: 'A status code from 520 to 530.',
    notConfusedWith: ['gitlab-bad-gateway'],
    from: both('origin-error'),
    says: (c) => `the CDN in front of ${c.host} cannot reach GitLab (${c.fact('status')})`,
    fix: () => [
      step(
        'On the GitLab server: check its certificate, and the firewall rules for the CDN.',
        'sudo gitlab-ctl status nginx; sudo nft list ruleset',
      ),
    ],
  }),
  webCause({
    id: 'edge-auth-gateway',
    title: "A login page in front of GitLab's API blocks the runner",
    meaning: 'Single sign-on, an access gateway or Basic authentication answers instead of GitLab.',
    evidence: 'A redirect to the login page of another host, or 401 with WWW-Authenticate.',
    notConfusedWith: ['token-rejected', 'url-redirect-breaks-post'],
    from: [...both('login-gateway'), 'token/login-gateway'],
    says: (c) => `a login in front of ${c.url} blocks the runner`,
    fix: () => [step("On the gateway: exempt /api/ from the login for this host's address.")],
  }),
  webCause({
    id: 'url-redirect-breaks-post',
    title: "The address in `url` redirects, so the runner's POST requests become GET",
    meaning: 'The runner follows the redirect and sends its job requests as GET. They always fail.',
    evidence: "A redirect on GitLab's own paths.",
    notConfusedWith: ['url-path-wrong', 'edge-auth-gateway'],
    from: [...both('redirected'), 'token/redirected'],
    says: (c) =>
      `${c.url} redirects to ${c.optional('location') ?? 'another address'}, so the runner's POST requests become GET`,
    fix: (c) => [
      step(
        `Set url in ${c.config} to the final address.`,
        `sudo grep -n url ${onHost(c, c.config)}`,
      ),
      step('The runner loads the change within three seconds.'),
    ],
  }),
  webCause({
    id: 'url-path-wrong',
    title: 'GitLab answers, but its API is not below `url`',
    meaning:
      '`url` contains the path of a project or an API version instead of the root of the instance.',
    evidence: 'Responses of GitLab there or below another path, and 404 for the version request.',
    notConfusedWith: ['not-a-gitlab-server', 'gitlab-version-skew'],
    from: ['api/wrong-path'],
    says: (c) => `GitLab answers at ${c.host}, but its API is not below ${c.url}`,
    fix: (c) => [
      step(
        `Set url in ${c.config} to ${c.optional('root') ?? 'the root URL of the instance'}.`,
        `sudo grep -n url ${onHost(c, c.config)}`,
      ),
    ],
    resolvedWhen: 'the API check passes again',
  }),
  webCause({
    id: 'not-a-gitlab-server',
    title: 'The server at `url` is not GitLab',
    meaning:
      'A web server answers, but its responses are not from GitLab: a wrong host, port or virtual host, or a captive portal.',
    evidence: 'No header or format of GitLab in the response to the version request.',
    notConfusedWith: ['url-path-wrong', 'edge-auth-gateway'],
    from: ['api/not-gitlab', ...both('not-http')],
    says: (c) => `the server at ${c.url} is not GitLab`,
    fix: (c) => [
      step(
        'Check which server answers: see the Server header.',
        `${curl(c, '-si', `${c.url}api/v4/version`)} | head -20`,
      ),
      step(
        `Correct the host, port or path of url in ${c.config}.`,
        `sudo grep -n url ${onHost(c, c.config)}`,
      ),
    ],
    resolvedWhen: 'the API check passes again',
  }),
  webCause({
    id: 'http2-only-server',
    title: 'The server in front of GitLab accepts HTTP/2 only',
    meaning:
      "The runner speaks HTTP/1.1 and offers nothing else. The server answers it with a frame of HTTP/2, rejects the TLS handshake, or demands HTTP/2. The runner's log says 'malformed HTTP response'.",
    evidence:
      'A frame of HTTP/2 in response to HTTP/1.1, TLS alert 120, or a page that demands HTTP/2.',
    notConfusedWith: ['not-a-gitlab-server', 'http-response-malformed'],
    from: [...both('http2-only'), 'tls/http2-only'],
    says: (c) => `the server at ${c.url} accepts HTTP/2 only, and the runner speaks HTTP/1.1`,
    fix: (c) => [
      step(
        'Ask the server as the runner does: curl gets no HTTP/1.1 response either.',
        curl(c, '--http1.1 --no-alpn -sv -o /dev/null'),
      ),
      step(
        'On the server or load balancer at that address: allow HTTP/1.1 beside HTTP/2 (ALPN h2 and http/1.1; no `proto h2` on the listener), then reload it.',
      ),
    ],
  }),
  webCause({
    id: 'http-response-malformed',
    title: 'The response breaks a rule of HTTP, and the runner rejects it',
    meaning:
      "A browser and curl forgive what Go's HTTP client does not: control characters in a header, a line without a colon, two lengths, a transfer encoding other than chunked, a redirect to something that is no URL. Each poll of the runner fails.",
    evidence: 'The rule that the response breaks; the runner logs it as malformed.',
    notConfusedWith: ['not-a-gitlab-server', 'connection-reset-midstream', 'http2-only-server'],
    from: both('malformed'),
    says: (c) =>
      `the server at ${c.url} sends responses that the runner rejects${withText(': ', c.optional('http_fault'))}`,
    fix: (c) => [
      step(
        'Look at the head of the response; cat -v shows control characters.',
        `${curl(c, '--http1.1 -s --raw -i', `${c.url}api/v4/version`)} | head -c 3000 | cat -v`,
      ),
      step(
        'On the server that adds the header or the redirect (reverse proxy, load balancer, web application firewall): correct it, then reload the server.',
      ),
    ],
  }),
];
