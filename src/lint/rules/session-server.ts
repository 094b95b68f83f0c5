/** [session_server]: read once, at the start: docs/reference/runner-config.md#keys-of-the-whole-file. */
import { isIP } from 'node:net';

import type { LintContext } from '../context.ts';
import { addressOf, portInUse } from '../listen-address.ts';
import type { ParsedConfig } from '../parsed-config.ts';
import type { Rule } from '../rule.ts';
import type { Found } from '../values.ts';
import { filledAt } from '../values.ts';
import type { Violation } from '../violation.ts';
import { atValue, rewritten, shown } from '../violation.ts';

export const SESSION_SERVER_RULES: readonly Rule[] = [
  {
    code: 'G18',
    name: 'session-server-fatal',
    severity: 'error',
    effect: 'start',
    title: 'The session server cannot start',
    consequence: 'The process ends at its start.',
    fix: 'Give `listen_address` a host, or `advertise_address` one without http://.',
    needs: ['process'],
    check: ({ root }, context) => sessionFaults(root, context),
  },
  {
    code: 'G19',
    name: 'session-server-unreachable',
    severity: 'warning',
    title: 'GitLab is given an address that leads nowhere',
    consequence: 'Interactive terminals do not open: GitLab is told to call this host 0.0.0.0.',
    fix: 'Set `advertise_address` to a name that GitLab can reach.',
    check: ({ root }) => {
      const found = filledAt(root, 'session_server', 'listen_address');
      if (found === undefined || filledAt(root, 'session_server', 'advertise_address')) return [];
      const address = addressOf(found.value);
      if (address.kind !== 'address' || !['0.0.0.0', '::'].includes(address.host)) return [];
      return [
        atValue(
          found.entry,
          `listen_address ${shown('address', found.value)} is what GitLab is told`,
          { key: 'session_server.listen_address', corrected: 'advertise_address = "HOST:8093"' },
        ),
      ];
    },
  },
];

function sessionFaults(root: ParsedConfig['root'], context: LintContext): readonly Violation[] {
  const listen = filledAt(root, 'session_server', 'listen_address');
  const advertise = filledAt(root, 'session_server', 'advertise_address');
  if (listen === undefined) return [];
  const key = 'session_server.listen_address';
  const why = noHost(listen.value, advertise !== undefined);
  return [
    ...(why === undefined ? [] : [atValue(listen.entry, why, { key })]),
    ...(advertise === undefined ? [] : schemeViolations(advertise)),
    ...portInUse(listen, key, undefined, context),
  ];
}

function noHost(text: string, isAdvertised: boolean): string | undefined {
  const address = addressOf(text);
  const name = `listen_address ${shown('address', text)}`;
  if (address.kind === 'address' && isIP(address.host) === 0 && /[\s/]/.test(address.host)) {
    return `${name} has a host that is no name`;
  }
  const isMissing = address.kind === 'colons' || address.host === '';
  return isMissing && !isAdvertised
    ? `${name} has no host, and there is no advertise_address`
    : undefined;
}

function schemeViolations({ value, entry }: Found<string>): readonly Violation[] {
  const rest = /^https?:\/\/(?<rest>[^/]*)/.exec(value)?.groups?.['rest'];
  if (rest === undefined) return [];
  const more = { key: 'session_server.advertise_address', ...rewritten(entry, rest) };
  return [atValue(entry, 'advertise_address begins with a scheme', more)];
}
