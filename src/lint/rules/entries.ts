/** What entries have beside url and token: rules R19 to R27 of docs/lint.md. */
import { baseUrlOf } from '../../config/runner/base-url.ts';
import { redactName } from '../../config/runner/redact-value.ts';
import { findNearest } from '../../core/nearest.ts';
import { isPrivateHost } from '../../go/dial/private-address.ts';
import { decideProxy } from '../../go/proxy/decision.ts';
import { FEATURE_FLAGS } from '../feature-flags.ts';
import { isFlagOn } from '../parsed-config.ts';
import type { Rule } from '../rule.ts';
import { perEntry } from '../rule.ts';
import {
  entryAt,
  expandedAt,
  flagAt,
  secondsOf,
  tableAt,
  textAt,
  textsAt,
  tokenOf,
  wholeAt,
} from '../values.ts';
import type { Violation } from '../violation.ts';
import { atItem, atKey, atTable, atValue } from '../violation.ts';

const PROXY_LINE = /^(?<name>(?:https?|no|all)_proxy)=/i;
const TWO_HOURS = 7200;

export const ENTRY_RULES: readonly Rule[] = [
  {
    code: 'R19',
    name: 'token-used-twice',
    severity: 'warning',
    title: 'Two entries have the same url and token',
    consequence:
      'They share one limit, their requests and their bans; with equal names the runner’s metrics answer 500.',
    fix: 'Remove one, and raise the limit of the other.',
    check: ({ sections }, context) => {
      const seen = new Map<string, string>();
      return sections.flatMap((section): readonly Violation[] => {
        const found = tokenOf(section, context);
        if (found === undefined || found.token.isBlank()) return [];
        const url = expandedAt(section, 'url', context)?.text.replace(/\/+$/, '') ?? '';
        const identity = `${url} ${found.token.fingerprint()}`;
        const first = seen.get(identity);
        if (first === undefined) seen.set(identity, section.label);
        return first === undefined
          ? []
          : [
              atValue(found.entry, `${section.label} has url and token of ${first}`, {
                key: 'runners.token',
                entry: section.number,
              }),
            ];
      });
    },
  },
  {
    code: 'R20',
    name: 'name-not-unique',
    severity: 'warning',
    title: 'A name is empty, or stands twice',
    consequence:
      'Commands with --name take the first entry alone, and metrics cannot tell them apart.',
    fix: 'Give every entry a name of its own.',
    check: ({ sections }) => {
      const seen = new Set<string>();
      return sections.flatMap(({ table, number, label }): readonly Violation[] => {
        const found = textAt(table, 'name');
        const more = { key: 'runners.name', entry: number };
        if (found === undefined || found.value === '') {
          const message = `entry ${number} has no name`;
          return [
            found === undefined
              ? atTable(table, message, more)
              : atValue(found.entry, message, more),
          ];
        }
        const isKnown = seen.has(found.value);
        seen.add(found.value);
        return isKnown
          ? [atValue(found.entry, `${label} has a name that stands above already`, more)]
          : [];
      });
    },
  },
  {
    code: 'R21',
    name: 'id-missing-for-resume',
    severity: 'warning',
    title: 'Environments are to be resumed, and the entry has no `id`',
    consequence: 'Resuming fails.',
    fix: 'Write the number of the runner, which its page in GitLab shows, as `id`.',
    check: perEntry((section) => {
      const id = wholeAt(section.table, 'id');
      if (!isFlagOn(section, 'FF_SUSPENDABLE_ENVIRONMENTS') || (id?.value ?? 0) > 0) return [];
      const message = `${section.label} has no id`;
      const more = { key: 'runners.id' };
      return [
        id === undefined ? atTable(section.table, message, more) : atValue(id.entry, message, more),
      ];
    }),
  },
  {
    code: 'R22',
    name: 'feature-flag-unknown',
    severity: 'warning',
    title: 'GitLab Runner 19.4 does not know this feature flag',
    consequence: 'It is ignored without a word.',
    fix: 'Write a name of the list that `gitlab-runner` documents, or remove the line.',
    check: perEntry(({ table }) =>
      [...(tableAt(table, 'feature_flags')?.value.entries.values() ?? [])].flatMap((flag) => {
        if (FEATURE_FLAGS.includes(flag.key)) return [];
        const near = findNearest(flag.key.toUpperCase(), FEATURE_FLAGS);
        const name = redactName(flag.key);
        return [
          atKey(flag, `${name} is no feature flag of 19.4`, {
            key: 'runners.feature_flags',
            ...(near === undefined ? {} : { corrected: near }),
          }),
        ];
      }),
    ),
  },
  {
    code: 'R23',
    name: 'environment-without-equals',
    severity: 'warning',
    title: 'A line of `environment` has no =',
    consequence: 'It is dropped without a word.',
    fix: 'Write "NAME=value".',
    check: perEntry(({ table }) =>
      textsAt(table, 'environment').flatMap(({ text, value }) =>
        text.includes('=') || entryAt(table, 'environment')?.value.kind !== 'array'
          ? []
          : [
              atItem(value, 'a line of environment has no =', {
                key: 'runners.environment',
                corrected: '"NAME=value"',
              }),
            ],
      ),
    ),
  },
  {
    code: 'R24',
    name: 'proxy-for-jobs-only',
    severity: 'warning',
    title: 'A proxy is set for jobs, and the runner itself has none',
    consequence:
      'Variables of `environment` reach jobs alone: the runner asks GitLab without the proxy.',
    fix: 'If the runner needs it too, set it in the unit ([Service] Environment=…) and restart.',
    needs: ['process'],
    check: perEntry(({ table }, { environment }) => {
      if (environment === undefined) return [];
      const has = Object.entries(environment).some(
        ([name, text]) => /^https?_proxy$/i.test(name) && text !== '',
      );
      const line = textsAt(table, 'environment').find(({ text }) => /^https?_proxy=./i.test(text));
      if (has || line === undefined) return [];
      const name = PROXY_LINE.exec(line.text)?.groups?.['name'] ?? '';
      return [
        atItem(line.value, `${name} is set for jobs, and the runner’s process has no proxy`, {
          key: 'runners.environment',
        }),
      ];
    }),
  },
  {
    code: 'R25',
    name: 'proxy-for-a-private-gitlab',
    severity: 'warning',
    title: 'Requests to a GitLab inside go through the proxy',
    consequence: 'The proxy must be able to reach it, and must let it through.',
    fix: 'Add the host to NO_PROXY in the unit, and restart.',
    needs: ['process'],
    check: perEntry((section, context) => {
      const found = expandedAt(section, 'url', context);
      const base = found === undefined ? undefined : baseUrlOf(found.text);
      if (found === undefined || base?.ok !== true || context.environment === undefined) return [];
      const decision = decideProxy(base.url, context.environment);
      if (decision.kind !== 'proxy' || !isPrivateHost(base.url.hostname, [])) return [];
      return [
        atValue(
          found.entry,
          `requests to ${base.url.hostname} go through the proxy of ${decision.variable}`,
          { key: 'runners.url' },
        ),
      ];
    }),
  },
  {
    code: 'R26',
    name: 'long-ban',
    severity: 'warning',
    title: 'A short refusal silences the entry for long',
    consequence:
      'After that many refused requests in a row, the runner does not ask for the whole interval.',
    fix: 'Keep three requests and an hour, which are the defaults.',
    check: perEntry(({ table }) => {
      const interval = entryAt(table, 'unhealthy_interval');
      const limit = wholeAt(table, 'unhealthy_requests_limit');
      const seconds = secondsOf(interval) ?? 0;
      return [
        ...(interval === undefined || seconds <= TWO_HOURS
          ? []
          : [
              atValue(interval, `unhealthy_interval is ${seconds / 3600} hours`, {
                key: 'runners.unhealthy_interval',
                corrected: 'unhealthy_interval = "1h"',
              }),
            ]),
        ...(limit?.value === 1
          ? [
              atValue(limit.entry, 'one refused request is enough', {
                key: 'runners.unhealthy_requests_limit',
                corrected: 'unhealthy_requests_limit = 3',
              }),
            ]
          : []),
      ];
    }),
  },
  {
    code: 'R27',
    name: 'jobs-by-the-router',
    severity: 'warning',
    title: 'Jobs are fetched from the job router',
    consequence: 'The requests go to another host than `url`: it must be reachable as well.',
    fix: 'Let the runner reach the address that GitLab’s agent server has, or turn the flag off.',
    check: perEntry(({ table }) => {
      const found = flagAt(table, 'feature_flags', 'FF_USE_JOB_ROUTER');
      return found?.value === true
        ? [
            atKey(found.entry, 'jobs are fetched from another host than url', {
              key: 'runners.feature_flags',
            }),
          ]
        : [];
    }),
  },
];
