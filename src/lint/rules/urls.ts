/** `url`: where the runner asks for jobs. What is wrong with one is decided by config/runner/base-url.ts. */
import type { UrlWarning } from '../../config/runner/base-url.ts';
import { redactUrl } from '../../config/runner/base-url.ts';
import { isLoopbackHost } from '../../core/address.ts';
import { DOCKER_EXECUTORS } from '../../config/runner/executors.ts';
import { formatVariable } from '../../config/runner/expand.ts';
import type { Rule } from '../rule.ts';
import { perEntry, perEntryOf } from '../rule.ts';
import type { ExpandedUrl } from '../values.ts';
import { expandedAt, filledAt, urlAt } from '../values.ts';
import type { Violation } from '../violation.ts';
import { atTable, atValue, lineOf, replacement } from '../violation.ts';

const KEY = 'runners.url';
const EXAMPLE = 'url = "https://gitlab.example.com/"';

/** A rule about a url that the runner can use. */
function warnOf(warning: UrlWarning, message: string, isCertain = false): Rule['check'] {
  return perEntry((section, context) => {
    const found = urlAt(section, context);
    const right = found?.base.ok === true ? found.base.warnings.get(warning) : undefined;
    if (found === undefined || right === undefined) return [];
    const more = isCertain ? correctionOf(found, right) : { corrected: lineOf('url', right) };
    return [atValue(found.entry, message, { key: KEY, ...more })];
  });
}

/** Changed without asking only where no variable and no secret is in it. */
function correctionOf(found: ExpandedUrl, text: string): Pick<Violation, 'corrected' | 'edits'> {
  const { corrected, edits = [] } = replacement(found.entry, text);
  const { value } = found.entry;
  const isPlain = value.kind === 'string' && value.text === found.text && redactUrl(text) === text;
  return { ...(corrected === undefined ? {} : { corrected }), ...(isPlain ? { edits } : {}) };
}

export const URL_RULES: readonly Rule[] = [
  {
    code: 'R01',
    name: 'url-unusable',
    severity: 'error',
    effect: 'offline',
    title: '`url` is missing, or not an http or https URL',
    consequence:
      'The runner cannot connect to GitLab, and disables the entry after three attempts.',
    fix: 'Write the address of GitLab as in the browser, with https://.',
    check: perEntry((section, context) => {
      const found = urlAt(section, context);
      if (found === undefined) {
        const more = { key: KEY, corrected: EXAMPLE };
        return filledAt(section.table, 'url') === undefined
          ? [atTable(section.table, `${section.label} has no url`, more)]
          : [];
      }
      const { base, entry, unset } = found;
      if (base.ok || base.fault === 'query' || unset.length > 0) return [];
      const message = `the url of ${section.label} ${base.why}`;
      return [atValue(entry, message, { key: KEY, corrected: EXAMPLE })];
    }),
  },
  {
    code: 'R02',
    name: 'url-of-the-api',
    severity: 'error',
    effect: 'offline',
    title: '`url` ends in /api/v4',
    consequence:
      'The runner appends /api/v4 itself, so that GitLab answers 404 to every request; the runner only logs warnings.',
    fix: 'Remove /api/v4.',
    check: warnOf('api-path', 'the url ends in the path of the API', true),
  },
  {
    code: 'R03',
    name: 'url-ends-in-ci',
    severity: 'warning',
    title: '`url` ends in /ci',
    consequence:
      'The runner removes it for its own requests, but jobs fetch submodules from that path and are rejected.',
    fix: 'Remove /ci.',
    check: warnOf('ci-path', 'the url ends in /ci', true),
  },
  {
    code: 'R05',
    name: 'url-with-query',
    severity: 'error',
    effect: 'offline',
    title: '`url` contains ? or #',
    consequence: 'The runner appends its path behind it, so that its requests never reach the API.',
    fix: 'Write only scheme, host and path.',
    check: perEntry((section, context) => {
      const found = urlAt(section, context);
      if (found === undefined || found.base.ok || found.base.fault !== 'query') return [];
      const more = correctionOf(found, found.text.replace(/[?#].*$/, ''));
      const message = `the url of ${section.label} ${found.base.why}`;
      return [atValue(found.entry, message, { key: KEY, ...more })];
    }),
  },
  {
    code: 'R06',
    name: 'url-without-tls',
    severity: 'warning',
    title: '`url` starts with http://',
    consequence:
      'The token crosses the network in clear text, and a redirect to https turns each POST into a GET that fails.',
    fix: 'Write https://.',
    check: warnOf('http', 'the url starts with http://'),
  },
  {
    code: 'R07',
    name: 'url-of-a-page',
    severity: 'warning',
    title: '`url` is probably the page of a project or a group',
    consequence: 'GitLab answers 404 there, unless it is installed under that path.',
    fix: 'Write the address of GitLab itself.',
    check: warnOf('page-path', 'the url has the path of a page'),
  },
  {
    code: 'R08',
    name: 'url-with-password',
    severity: 'warning',
    title: '`url` contains credentials',
    consequence: 'They are logged, and sent to every server that this URL leads to.',
    fix: 'Remove everything before the @.',
    check: warnOf('credentials', 'the url contains credentials'),
  },
  {
    code: 'R09',
    name: 'url-local-for-containers',
    severity: 'warning',
    title: '`url` is a loopback address, and jobs run in containers',
    consequence:
      'In a container the address means the container itself, so that jobs cannot clone.',
    fix: 'Set `clone_url` to an address that containers can reach.',
    check: perEntryOf([...DOCKER_EXECUTORS, 'kubernetes'], (section, context) => {
      const found = urlAt(section, context);
      if (found?.base.ok !== true || !isLoopbackHost(found.base.url.hostname)) return [];
      const clone = filledAt(section.table, 'clone_url')?.value ?? '';
      const network = filledAt(section.table, 'docker', 'network_mode')?.value;
      if (/^[a-z+]+:\/\//i.test(clone) || network === 'host') return [];
      return [
        atValue(found.entry, `the url of ${section.label} is a loopback address`, {
          key: KEY,
          corrected: 'clone_url = "https://gitlab.example.com/"',
        }),
      ];
    }),
  },
  {
    code: 'R11',
    name: 'variable-not-set',
    severity: 'error',
    effect: 'offline',
    title: 'A variable in `url` or `token` is not set for the runner process',
    consequence: 'The runner replaces it by nothing, and the entry asks for no jobs.',
    fix: 'Set it in the environment of the runner process and restart the runner, or write the value itself.',
    needs: ['process'],
    check: perEntry((section, context) =>
      (['url', 'token'] as const).flatMap((key) => {
        const found = expandedAt(section, key, context);
        if (found === undefined || context.environment === undefined) return [];
        return found.unset.map((name) =>
          atValue(
            found.entry,
            `${key} contains ${formatVariable(name)}, which is not set for the runner process`,
            { key: `runners.${key}` },
          ),
        );
      }),
    ),
  },
];
