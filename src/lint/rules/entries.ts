/** Keys of an entry beside url, token and executor that need more than their own value to be judged. */
import { isPrivateHost } from '../../go/dial/private-address.ts';
import { decideProxy } from '../../go/proxy/decision.ts';
import { isFlagOn } from '../parsed-config.ts';
import type { Rule } from '../rule.ts';
import { perEntry } from '../rule.ts';
import { expandedAt, textAt, textsAt, tokenOf, urlAt, wholeAt } from '../values.ts';
import type { Violation } from '../violation.ts';
import { atItem, atTable, atValue } from '../violation.ts';

const PROXY_LINE = /^(?<name>https?_proxy)=./i;

export const ENTRY_RULES: readonly Rule[] = [
  {
    code: 'R19',
    name: 'token-used-twice',
    severity: 'warning',
    title: 'Two entries have the same url and token',
    consequence:
      'They share one limit, their requests and their penalties; with equal names the metrics of the runner answer 500.',
    fix: 'Remove one of them, and raise the limit of the other.',
    check: ({ sections }, context) => {
      const seen = new Map<string, string>();
      return sections.flatMap((section): readonly Violation[] => {
        const found = tokenOf(section, context);
        if (found === undefined || found.token.isBlank()) return [];
        const url = expandedAt(section, 'url', context)?.text.replace(/\/+$/, '') ?? '';
        const identity = `${url} ${found.token.fingerprint()}`;
        const first = seen.get(identity);
        if (first === undefined) {
          seen.set(identity, section.label);
          return [];
        }
        const message = `${section.label} has the url and token of ${first}`;
        return [atValue(found.entry, message, { key: 'runners.token', entry: section.number })];
      });
    },
  },
  {
    code: 'R20',
    name: 'name-not-unique',
    severity: 'warning',
    title: 'The name of an entry is empty or not unique',
    consequence:
      'Commands with --name use the first entry only, and metrics cannot tell the entries apart.',
    fix: 'Give every entry a unique name.',
    check: ({ sections }) => {
      const seen = new Set<string>();
      return sections.flatMap(({ table, number, label }): readonly Violation[] => {
        const found = textAt(table, 'name');
        const more = { key: 'runners.name', entry: number };
        const message = `entry ${number} has no name`;
        if (found === undefined) return [atTable(table, message, more)];
        if (found.value === '') return [atValue(found.entry, message, more)];
        const isKnown = seen.has(found.value);
        seen.add(found.value);
        return isKnown
          ? [atValue(found.entry, `${label} has the name of an entry above`, more)]
          : [];
      });
    },
  },
  {
    code: 'R21',
    name: 'id-missing-for-resume',
    severity: 'warning',
    title: 'Suspendable environments are on, and the entry has no `id`',
    consequence: 'The runner cannot resume environments.',
    fix: 'Set `id` to the number of the runner, which its page in GitLab shows.',
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
    code: 'R24',
    name: 'proxy-for-jobs-only',
    severity: 'warning',
    title: 'A proxy is set for jobs, and the runner process has none',
    consequence:
      'Only jobs get the variables of `environment`: the runner connects to GitLab without the proxy.',
    fix: 'If the runner needs the proxy too, set it in the environment of the runner process and restart the runner.',
    needs: ['process'],
    check: perEntry(({ table }, { environment }) => {
      if (environment === undefined) return [];
      const hasProxy = Object.entries(environment).some(
        ([name, text]) => /^https?_proxy$/i.test(name) && text !== '',
      );
      const line = textsAt(table, 'environment').find(({ text }) => PROXY_LINE.test(text));
      if (hasProxy || line === undefined) return [];
      const name = PROXY_LINE.exec(line.text)?.groups?.['name'] ?? '';
      const message = `${name} is set for jobs, and the runner process has no proxy`;
      return [atItem(line.value, message, { key: 'runners.environment' })];
    }),
  },
  {
    code: 'R25',
    name: 'proxy-for-a-private-gitlab',
    severity: 'warning',
    title: 'Requests to a GitLab with a private address go through the proxy',
    consequence: 'The proxy must be able to connect to it, and must allow it.',
    fix: 'Add the host to NO_PROXY in the environment of the runner process, and restart the runner.',
    needs: ['process'],
    check: perEntry((section, context) => {
      const found = urlAt(section, context);
      if (found?.base.ok !== true || context.environment === undefined) return [];
      const { url } = found.base;
      const decision = decideProxy(url, context.environment);
      if (decision.kind !== 'proxy' || !isPrivateHost(url.hostname, [])) return [];
      const message = `requests to ${url.hostname} go through the proxy of ${decision.variable}`;
      return [atValue(found.entry, message, { key: 'runners.url' })];
    }),
  },
];
