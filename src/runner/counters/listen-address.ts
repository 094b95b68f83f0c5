/**
 * The address of the runner's metrics: `--listen-address`, then LISTEN_ADDRESS, then `listen_address` of its config;
 * port 9252 unless a port is given: docs/reference/runner.md#counters.
 */
import { flagValue } from '../../core/flag-value.ts';
import type { RunnerProcess } from '../../core/reading.ts';

export interface MetricsAddress {
  readonly host: string;
  readonly port: number;
}

const DEFAULT_PORT = 9252;

export function metricsAddressOf(
  configured: string | undefined,
  process: RunnerProcess | undefined,
): MetricsAddress | undefined {
  const argument = flagValue(process?.arguments ?? [], '--listen-address');
  const given = argument ?? process?.environment?.['LISTEN_ADDRESS'] ?? '';
  const text = given === '' ? configured : given;
  return text === undefined || text === '' ? undefined : parseAddress(text);
}

const ADDRESS = /^(?:\[(?<six>[^\]]*)\]|(?<name>[^:]*))(?::(?<port>\d+))?$/;
/** Listening on all addresses of a host includes the loopback one. */
const EVERYWHERE: Readonly<Record<string, string>> = {
  '': '127.0.0.1',
  '0.0.0.0': '127.0.0.1',
  '::': '::1',
};

/** What Go would listen on; undefined where it would refuse. */
export function parseAddress(text: string): MetricsAddress | undefined {
  const groups = ADDRESS.exec(text.trim())?.groups;
  if (groups === undefined) return undefined;
  const host = groups['six'] ?? groups['name'] ?? '';
  const port = Number(groups['port'] ?? DEFAULT_PORT);
  return port < 1 || port > 65_535 ? undefined : { host: EVERYWHERE[host] ?? host, port };
}
