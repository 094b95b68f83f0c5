/** `url` and `clone_url`: where the runner asks, and where its jobs clone: rules R01 to R10 of docs/lint.md. */
import { baseUrlOf, redactUrl } from '../../config/runner/base-url.ts';
import { formatVariable } from '../../config/runner/expand.ts';
import type { Rule } from '../rule.ts';
import { perEntry } from '../rule.ts';
import type { Expanded } from '../values.ts';
import { expandedAt, filledAt, isLocal } from '../values.ts';
import type { Violation } from '../violation.ts';
import { atTable, atValue, lineOf, rewritten } from '../violation.ts';

const KEY = 'runners.url';
const RIGHT = 'url = "https://gitlab.example.com/"';

/** Rules about a url that is there, and that somebody could use. */
function usable(check: (found: Expanded, url: URL) => readonly Violation[]): Rule['check'] {
  return perEntry((section, context) => {
    const found = expandedAt(section, 'url', context);
    const base = found === undefined ? undefined : baseUrlOf(found.text);
    return found === undefined || base?.ok !== true ? [] : check(found, base.url);
  });
}

/** A corrected url, written by itself only where no variable stands in it. */
function urlWith(found: Expanded, text: string): Pick<Violation, 'corrected' | 'edits'> {
  const { corrected, edits = [] } = rewritten(found.entry, text);
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
    title: 'The `url` is missing, or no address of the web',
    consequence: 'The runner cannot make a client of it, and disables the entry after three tries.',
    fix: 'Write the address of GitLab as a browser needs it, with https://.',
    check: perEntry((section, context) => {
      const found = expandedAt(section, 'url', context);
      if (found === undefined) {
        return filledAt(section.table, 'url') === undefined
          ? [atTable(section.table, `${section.label} has no url`, { key: KEY, corrected: RIGHT })]
          : [];
      }
      const base = baseUrlOf(found.text);
      if (base.ok || /^https?:\/\/[^\s]*[?#]/i.test(found.text) || found.unset.length > 0)
        return [];
      return [
        atValue(found.entry, `the url of ${section.label} ${base.why}`, {
          key: KEY,
          corrected: RIGHT,
        }),
      ];
    }),
  },
  {
    code: 'R02',
    name: 'url-of-the-api',
    severity: 'error',
    effect: 'offline',
    title: 'The `url` ends in /api/v4',
    consequence: 'The runner appends that itself, gets 404 for ever, and only warns.',
    fix: 'Cut it off.',
    check: usable((found) => {
      const cut = found.text.replace(/\/api(?:\/v\d+)?\/*$/, '/');
      if (cut === found.text) return [];
      return [
        atValue(found.entry, 'the url ends in the path of the API', {
          key: KEY,
          ...urlWith(found, cut),
        }),
      ];
    }),
  },
  {
    code: 'R03',
    name: 'url-ends-in-ci',
    severity: 'warning',
    title: 'The `url` ends in /ci',
    consequence:
      'The runner cuts it off for its own requests; submodules of jobs still ask there and are refused.',
    fix: 'Cut it off.',
    check: usable((found) => {
      const cut = found.text.replace(/\/ci\/*$/, '/');
      if (cut === found.text) return [];
      return [atValue(found.entry, 'the url ends in /ci', { key: KEY, ...urlWith(found, cut) })];
    }),
  },
  {
    code: 'R05',
    name: 'url-with-query',
    severity: 'error',
    effect: 'offline',
    title: 'The `url` has a ? or a #',
    consequence:
      'The path that the runner appends ends up behind it, so that GitLab is asked for something else.',
    fix: 'Write scheme, host and path alone.',
    check: perEntry((section, context) => {
      const found = expandedAt(section, 'url', context);
      if (found === undefined || !/^https?:\/\/[^\s]*[?#]/i.test(found.text)) return [];
      return [
        atValue(found.entry, `the url of ${section.label} has a ? or a #`, {
          key: KEY,
          ...urlWith(found, found.text.replace(/[?#].*$/, '')),
        }),
      ];
    }),
  },
  {
    code: 'R06',
    name: 'url-without-tls',
    severity: 'warning',
    title: 'The `url` begins with http://',
    consequence:
      'The token crosses the network in clear text, and a redirect to https turns each POST into a GET that fails.',
    fix: 'Write https://.',
    check: usable((found, url) => {
      if (url.protocol !== 'http:' || isLocal(url.hostname)) return [];
      return [
        atValue(found.entry, 'the url begins with http://', {
          key: KEY,
          corrected: lineOf('url', redactUrl(found.text).replace(/^http:/i, 'https:')),
        }),
      ];
    }),
  },
  {
    code: 'R07',
    name: 'url-of-a-page',
    severity: 'warning',
    title: 'The `url` looks like the page of a project or a group',
    consequence: 'GitLab answers 404 there, unless it is installed below that path.',
    fix: 'Write the address of the GitLab itself.',
    check: usable((found, url) => {
      const parts = url.pathname.split('/').filter((part) => part !== '' && part !== 'ci');
      const isPage =
        parts.length > 1 ||
        /\.git$|^(?:admin|dashboard|groups|users|projects|-)$/.test(parts[0] ?? '');
      if (!isPage || /\/api(?:\/v\d+)?\/*$/.test(found.text)) return [];
      return [
        atValue(found.entry, 'the url has the path of a page', {
          key: KEY,
          corrected: lineOf('url', `${url.origin}/`),
        }),
      ];
    }),
  },
  {
    code: 'R08',
    name: 'url-with-password',
    severity: 'warning',
    title: 'The `url` holds a user and a password',
    consequence: 'They get into the logs, and are sent to whoever answers.',
    fix: 'Remove what stands before the @.',
    check: usable((found) =>
      redactUrl(found.text) === found.text
        ? []
        : [
            atValue(found.entry, 'the url holds credentials', {
              key: KEY,
              corrected: lineOf('url', redactUrl(found.text)),
            }),
          ],
    ),
  },
  {
    code: 'R11',
    name: 'variable-not-set',
    severity: 'error',
    effect: 'offline',
    title: 'A variable in `url` or `token` is not set for the service',
    consequence: 'It becomes empty, and the entry with it.',
    fix: 'Set it in the unit ([Service] Environment=…) and restart, or write the value itself.',
    needs: ['process'],
    check: perEntry((section, context) =>
      (['url', 'token'] as const).flatMap((key) => {
        const found = expandedAt(section, key, context);
        return (found?.unset ?? []).flatMap((name) =>
          found === undefined || context.environment === undefined
            ? []
            : [
                atValue(
                  found.entry,
                  `${key} names ${formatVariable(name)}, which the runner’s process does not have`,
                  { key: `runners.${key}` },
                ),
              ],
        );
      }),
    ),
  },
];
