/** Where jobs clone from: rules R09 and R10 of docs/lint.md. */
import { baseUrlOf } from '../../config/runner/base-url.ts';
import { DOCKER_EXECUTORS } from '../executors.ts';
import type { Rule } from '../rule.ts';
import { perEntry, perEntryOf } from '../rule.ts';
import { expandedAt, filledAt, isLocal } from '../values.ts';
import { atValue, rewritten } from '../violation.ts';

export const CLONE_URL_RULES: readonly Rule[] = [
  {
    code: 'R09',
    name: 'url-local-for-containers',
    severity: 'warning',
    title: 'Jobs in containers are to clone from this host’s own loopback',
    consequence: 'In a container that name means the container, so that jobs cannot clone.',
    fix: 'Set `clone_url` to a name that containers can reach.',
    check: perEntryOf([...DOCKER_EXECUTORS, 'kubernetes'], (section, context) => {
      const found = expandedAt(section, 'url', context);
      const base = found === undefined ? undefined : baseUrlOf(found.text);
      if (found === undefined || base?.ok !== true || !isLocal(base.url.hostname)) return [];
      const clone = filledAt(section.table, 'clone_url')?.value ?? '';
      const network = filledAt(section.table, 'docker', 'network_mode')?.value;
      if (/^[a-z+]+:\/\//i.test(clone) || network === 'host') return [];
      return [
        atValue(found.entry, `the url of ${section.label} is the host’s own loopback`, {
          key: 'runners.url',
          corrected: 'clone_url = "https://gitlab.example.com/"',
        }),
      ];
    }),
  },
  {
    code: 'R10',
    name: 'clone-url-without-scheme',
    severity: 'warning',
    title: '`clone_url` has no scheme',
    consequence: 'The runner ignores it without a word, and jobs clone from `url`.',
    fix: 'Write it with https://.',
    check: perEntry(({ table }) => {
      const found = filledAt(table, 'clone_url');
      if (found === undefined || /^[a-z][a-z0-9+.-]*:\/\//i.test(found.value)) return [];
      const right = /^[\w.-]+(?::\d+)?(?:\/[\w./-]*)?$/.test(found.value)
        ? rewritten(found.entry, `https://${found.value}`)
        : {};
      return [
        atValue(found.entry, 'clone_url has no scheme', {
          key: 'runners.clone_url',
          ...(right.corrected === undefined ? {} : { corrected: right.corrected }),
        }),
      ];
    }),
  },
];
