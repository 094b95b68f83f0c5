/** `listen_address` and `[session_server]`: read once, at the start. */
import { addressOf, portInUse } from '../listen-address.ts';
import type { ParsedConfig } from '../parsed-config.ts';
import type { Rule } from '../rule.ts';
import type { Found } from '../values.ts';
import { filledAt, wholeAt } from '../values.ts';
import { atValue, lineOf, shown } from '../violation.ts';

const DEFAULT_PORT = 9252;
/** Of systemd, where the unit says nothing. */
const STOP_SECONDS = 90;

function metricsAddress({ root }: ParsedConfig): Found<string> | undefined {
  return filledAt(root, 'listen_address');
}

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) <= 65_535;
}

/** Why the process would end on this address. */
function fatal(text: string): string | undefined {
  const address = addressOf(text);
  if (address.kind === 'colons') return undefined;
  if (/^\d+$/.test(text)) return 'is taken for the name of a host; a port has a colon before it';
  if (address.port !== '' && !isPort(address.port)) return 'has no port that is a number';
  return /[\s/]/.test(address.host) ? 'has a host that is no name' : undefined;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

export const LISTENER_RULES: readonly Rule[] = [
  {
    code: 'G15',
    name: 'listen-address-invalid',
    severity: 'error',
    effect: 'start',
    title: '`listen_address` cannot be listened on',
    consequence:
      'The process ends at its start; on an address with too many colons it goes on without metrics.',
    fix: 'Write host and port: "127.0.0.1:9252", "[::1]:9252" or ":9252".',
    check: (config) => {
      const found = metricsAddress(config);
      if (found === undefined) return [];
      const more = { key: 'listen_address', corrected: lineOf('listen_address', '127.0.0.1:9252') };
      if (addressOf(found.value).kind === 'colons') {
        return [
          atValue(
            found.entry,
            `listen_address ${shown('listen_address', found.value)} has too many colons, and metrics stay off`,
            { ...more, severity: 'warning' },
          ),
        ];
      }
      const why = fatal(found.value);
      return why === undefined
        ? []
        : [
            atValue(
              found.entry,
              `listen_address ${shown('listen_address', found.value)} ${why}`,
              more,
            ),
          ];
    },
  },
  {
    code: 'G16',
    name: 'listen-address-taken',
    severity: 'error',
    effect: 'start',
    title: 'Another process holds the port of `listen_address`',
    consequence: 'The process ends at its start, again and again.',
    fix: 'Choose another port, or end the other process: `sudo ss -ltnp`.',
    needs: ['process'],
    check: (config, context) =>
      portInUse(metricsAddress(config), 'listen_address', DEFAULT_PORT, context),
  },
  {
    code: 'G17',
    name: 'metrics-for-everybody',
    severity: 'warning',
    title: '`listen_address` is open to the network',
    consequence: 'Whoever reaches the port reads metrics and the profiler, without a password.',
    fix: 'Listen on 127.0.0.1, or let only the scraper through.',
    check: (config) => {
      const found = metricsAddress(config);
      const address = found === undefined ? undefined : addressOf(found.value);
      if (found === undefined || address?.kind !== 'address') return [];
      if (fatal(found.value) !== undefined || isLoopback(address.host)) return [];
      const port = address.port === '' ? String(DEFAULT_PORT) : address.port;
      return [
        atValue(
          found.entry,
          `listen_address ${shown('listen_address', found.value)} is open to the network`,
          { key: 'listen_address', corrected: lineOf('listen_address', `127.0.0.1:${port}`) },
        ),
      ];
    },
  },
  {
    code: 'G20',
    name: 'stop-takes-too-long',
    severity: 'warning',
    title: '`shutdown_timeout` is not below the patience of systemd',
    consequence: 'systemd kills the process in the midst of its cleaning up.',
    fix: 'Raise TimeoutStopSec in the unit, or lower `shutdown_timeout`.',
    check: ({ root }, { files }) => {
      const found = wholeAt(root, 'shutdown_timeout');
      if (found === undefined) return [];
      const unit = ['', '.d/kill.conf', '.d/override.conf'].map((end) =>
        files?.read(`/etc/systemd/system/gitlab-runner.service${end}`),
      );
      const most = Math.max(
        STOP_SECONDS,
        ...unit.map((fact) =>
          fact !== undefined && 'content' in fact ? stopSeconds(fact.content ?? '') : 0,
        ),
      );
      if (found.value < most) return [];
      return [
        atValue(found.entry, `shutdown_timeout is ${found.value} s, and systemd waits ${most} s`, {
          key: 'shutdown_timeout',
        }),
      ];
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
