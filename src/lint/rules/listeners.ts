/** `listen_address` and `[session_server]`: read once, at the start (docs/reference/runner-config.md#keys-of-the-whole-file). */
import { isIP } from 'node:net';

import { isLoopbackHost } from '../../core/address.ts';
import { PACKAGED_UNIT } from '../../host/place/packaged.ts';
import type { LintContext } from '../context.ts';
import type { ParsedConfig } from '../parsed-config.ts';
import type { Rule } from '../rule.ts';
import type { Found } from '../values.ts';
import { filledAt, wholeAt } from '../values.ts';
import type { Violation } from '../violation.ts';
import { atValue, lineOf, quote, replacement } from '../violation.ts';

const DEFAULT_PORT = 9252;
/** Default of systemd, if the unit does not set it. */
const STOP_SECONDS = 90;

type Address =
  /** `port` is absent without a colon, and may be empty. */
  | { readonly kind: 'address'; readonly host: string; readonly port: string | undefined }
  /** Go: too many colons in address. */
  | { readonly kind: 'colons' };

/** As Go splits it: brackets around IPv6, the port behind the last colon. */
function addressOf(text: string): Address {
  const bracketed = /^\[(?<host>[^\]]*)\](?::(?<port>.*))?$/.exec(text)?.groups;
  if (bracketed !== undefined) {
    return { kind: 'address', host: bracketed['host'] ?? '', port: bracketed['port'] };
  }
  const parts = text.split(':');
  if (parts.length > 2) return { kind: 'colons' };
  return { kind: 'address', host: parts[0] ?? '', port: parts[1] };
}

/** Another process listens on the port. */
function portInUse(
  found: Found<string> | undefined,
  key: string,
  defaultPort: number | undefined,
  { listeners = [] }: LintContext,
): readonly Violation[] {
  if (found === undefined) return [];
  const address = addressOf(found.value);
  if (address.kind === 'colons') return [];
  const port = Number(address.port || defaultPort);
  const isTaken = listeners.some((one) => one.port === port && one.isRunner === false);
  return isTaken ? [atValue(found.entry, `another process listens on port ${port}`, { key })] : [];
}

function metricsAddress({ root }: ParsedConfig): Found<string> | undefined {
  return filledAt(root, 'listen_address');
}

/** None at all is a free port; a name may stand in /etc/services of the runner. */
function isPort(text: string): boolean {
  return /^\+?\d*$/.test(text) ? Number(text) <= 65_535 : /^[a-z][\w-]*$/i.test(text);
}

/** An address, or a name that Go looks up: not `*`, and none of digits alone. None at all is every address. */
function isHost(text: string): boolean {
  return text === '' || isIP(text) !== 0 || (/^[\w.-]+$/.test(text) && /[a-z_-]/i.test(text));
}

/** Why the process cannot listen there. */
function faultOf({ host, port = '' }: Extract<Address, { kind: 'address' }>): string | undefined {
  if (!isPort(port)) return 'has an invalid port';
  return isHost(host) ? undefined : 'has an invalid host';
}

/** Why the process exits on this address of its metrics. */
function fatalFaultOf(text: string): string | undefined {
  const address = addressOf(text);
  if (address.kind === 'colons') return undefined;
  if (/^\d+$/.test(text)) return 'is a host name; a port needs a colon before it';
  return faultOf(address);
}

export const LISTENER_RULES: readonly Rule[] = [
  {
    code: 'G15',
    name: 'listen-address-invalid',
    severity: 'error',
    effect: 'start',
    title: '`listen_address` is invalid',
    consequence:
      'The process exits at its start; with too many colons it logs an error and runs without metrics.',
    fix: 'Write host and port: "127.0.0.1:9252", "[::1]:9252" or ":9252".',
    check: (config) => {
      const found = metricsAddress(config);
      if (found === undefined) return [];
      const more = { key: 'listen_address', corrected: lineOf('listen_address', '127.0.0.1:9252') };
      const name = `listen_address ${quote('listen_address', found.value)}`;
      if (addressOf(found.value).kind === 'colons') {
        const message = `${name} has too many colons, so that there are no metrics`;
        return [atValue(found.entry, message, { ...more, severity: 'warning' })];
      }
      const why = fatalFaultOf(found.value);
      return why === undefined ? [] : [atValue(found.entry, `${name} ${why}`, more)];
    },
  },
  {
    code: 'G16',
    name: 'listen-address-taken',
    severity: 'error',
    effect: 'start',
    title: 'Another process uses the port of `listen_address`',
    consequence: 'The process exits at every start.',
    fix: 'Choose another port, or stop the other process: `sudo ss -ltnp` shows it.',
    needs: ['process'],
    check: (config, context) =>
      portInUse(metricsAddress(config), 'listen_address', DEFAULT_PORT, context),
  },
  {
    code: 'G17',
    name: 'metrics-for-everybody',
    severity: 'warning',
    title: '`listen_address` is reachable from the network',
    consequence:
      'Every client that can connect to the port reads metrics and profiles, without a password.',
    fix: 'Listen on 127.0.0.1, or allow only the Prometheus server in the firewall.',
    check: (config) => {
      const found = metricsAddress(config);
      const address = found === undefined ? undefined : addressOf(found.value);
      if (found === undefined || address?.kind !== 'address') return [];
      if (fatalFaultOf(found.value) !== undefined || isLoopbackHost(address.host)) return [];
      const port = address.port || String(DEFAULT_PORT);
      const name = quote('listen_address', found.value);
      return [
        atValue(found.entry, `listen_address ${name} is reachable from the network`, {
          key: 'listen_address',
          corrected: lineOf('listen_address', `127.0.0.1:${port}`),
        }),
      ];
    },
  },
  {
    code: 'G18',
    name: 'session-server-fatal',
    severity: 'error',
    effect: 'start',
    title: 'The session server cannot start',
    consequence: 'The process exits at its start.',
    fix: 'Write `listen_address` with host and port, or set `advertise_address`, without http://; choose a free port.',
    needs: ['process'],
    check: ({ root }, context) => sessionFaults(root, context),
  },
  {
    code: 'G19',
    name: 'session-server-unreachable',
    severity: 'warning',
    title: 'The session server announces an unspecified address to GitLab',
    consequence: 'Interactive web terminals do not open: GitLab would have to connect to 0.0.0.0.',
    fix: 'Set `advertise_address` to an address that GitLab can reach.',
    check: ({ root }) => {
      const found = filledAt(root, 'session_server', 'listen_address');
      if (found === undefined || filledAt(root, 'session_server', 'advertise_address')) return [];
      const address = addressOf(found.value);
      if (address.kind !== 'address' || !['0.0.0.0', '::'].includes(address.host)) return [];
      const message = `GitLab is told to connect to ${quote('address', found.value)}`;
      return [
        atValue(found.entry, message, {
          key: 'session_server.listen_address',
          corrected: 'advertise_address = "HOST:8093"',
        }),
      ];
    },
  },
  {
    code: 'G20',
    name: 'stop-takes-too-long',
    severity: 'warning',
    title: '`shutdown_timeout` is not below TimeoutStopSec of systemd',
    consequence: 'systemd kills the process before it has cleaned up its jobs.',
    fix: 'Raise TimeoutStopSec in the unit, or lower `shutdown_timeout`.',
    check: ({ root }, { files, unit: name = PACKAGED_UNIT }) => {
      const found = wholeAt(root, 'shutdown_timeout');
      if (found === undefined) return [];
      const unit = ['', '.d/kill.conf', '.d/override.conf'].map((end) =>
        files?.read(`/etc/systemd/system/${name}${end}`),
      );
      const longest = Math.max(
        STOP_SECONDS,
        ...unit.map((fact) =>
          fact !== undefined && 'content' in fact ? stopSeconds(fact.content ?? '') : 0,
        ),
      );
      if (found.value < longest) return [];
      const message = `shutdown_timeout is ${found.value} s, and systemd waits ${longest} s`;
      return [atValue(found.entry, message, { key: 'shutdown_timeout' })];
    },
  },
];

function stopSeconds(unit: string): number {
  const text = /^TimeoutStopSec=\s*(?<text>\S+)/m.exec(unit)?.groups?.['text'] ?? '';
  if (text === 'infinity') return Number.POSITIVE_INFINITY;
  const { number = '0', letter = 's' } =
    /^(?<number>\d+)(?<letter>[smh]|min)?/.exec(text)?.groups ?? {};
  const factors: Readonly<Record<string, number>> = { s: 1, m: 60, min: 60, h: 3600 };
  return Number(number) * (factors[letter] ?? 1);
}

function sessionFaults(root: ParsedConfig['root'], context: LintContext): readonly Violation[] {
  const listen = filledAt(root, 'session_server', 'listen_address');
  const advertise = filledAt(root, 'session_server', 'advertise_address');
  if (listen === undefined) return [];
  const key = 'session_server.listen_address';
  const why = hostFault(listen.value, advertise !== undefined);
  return [
    ...(why === undefined ? [] : [atValue(listen.entry, why, { key })]),
    ...(advertise === undefined ? [] : schemeFault(advertise)),
    ...portInUse(listen, key, undefined, context),
  ];
}

function hostFault(text: string, isAdvertised: boolean): string | undefined {
  const address = addressOf(text);
  const name = `listen_address ${quote('address', text)}`;
  if (address.kind === 'colons') return `${name} has too many colons`;
  if (address.port === undefined) return `${name} has no port`;
  const why = faultOf(address);
  if (why !== undefined) return `${name} ${why}`;
  return address.host === '' && !isAdvertised
    ? `${name} has no host, and advertise_address is not set`
    : undefined;
}

function schemeFault({ value, entry }: Found<string>): readonly Violation[] {
  const rest = /^https?:\/\/(?<rest>[^/]*)/.exec(value)?.groups?.['rest'];
  if (rest === undefined) return [];
  const more = { key: 'session_server.advertise_address', ...replacement(entry, rest) };
  return [atValue(entry, 'advertise_address starts with a scheme', more)];
}
