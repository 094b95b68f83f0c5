/** Numbers, times and statuses as people read them; used by text and page. */
import { dateText } from '../core/date-text.ts';
import { formatDuration } from '../core/duration-text.ts';
import type { PriorChange } from '../core/change.ts';
import type { Cause, RunnerVerdict } from '../core/diagnosis.ts';
import type { FoundBy, RunnerProcess } from '../core/reading.ts';
import type { Link, Status } from '../core/vocabulary.ts';

/** The links of the path, short enough for a chain on a phone. */
export const LINK_NAMES: Readonly<Record<Link, string>> = {
  dns: 'DNS',
  connect: 'TCP',
  proxy: 'proxy',
  tls: 'TLS',
  http: 'HTTP',
  api: 'API',
  token: 'token',
};

/** What a person reads for a status. */
export const STATUS_NAMES: Readonly<Record<Status, string>> = {
  pass: 'passes',
  warn: 'warns',
  fail: 'fails',
  unknown: 'is unknown',
  skipped: 'skipped',
};

/** Whether the executor of an entry can run jobs, as a status beside those of its links. */
export function executorStatus({ canRunJobs }: Pick<RunnerVerdict, 'canRunJobs'>): Status {
  if (canRunJobs === undefined) return 'unknown';
  return canRunJobs ? 'pass' : 'fail';
}

/** How sure it is, or that it is not there now. */
export function stateOfCause({ confidence, flapping }: Cause): string {
  return flapping?.isGone === true ? 'gone at the moment' : confidence;
}

/** `/etc/hosts: removed "10.0.0.9 gitlab.example.com" (2 s before the fault began)`. */
export function priorChangeText({ text, secondsBefore }: PriorChange): string {
  const before = secondsBefore === 0 ? 'just' : formatDuration(secondsBefore);
  return `${text} (${before} before the fault began)`;
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `1.5 GiB`. */
export function formatBytes(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${value < 10 && power > 0 ? value.toFixed(1) : Math.round(value)} ${UNITS[power]}`;
}

/** A measure by the unit at the end of its name. */
export function formatMeasure(name: string, value: number): string {
  if (name.endsWith('_timestamp_seconds')) return dateText(value * 1000);
  if (name.endsWith('_seconds'))
    return value < 1 ? `${Math.round(value * 1000)} ms` : `${value.toFixed(1)} s`;
  if (name.endsWith('_bytes')) return formatBytes(value);
  if (name.endsWith('_ratio')) return `${Math.round(value * 100)} %`;
  return Number.isInteger(value) ? String(value) : value.toFixed(2);
}

/** `free_inodes_ratio` → `free inodes`. */
export function measureName(name: string): string {
  return name.replace(/_(?:timestamp_seconds|seconds|bytes|ratio)$/, '').replaceAll('_', ' ');
}

/** How the path of config.toml was found. */
export const FOUND_BY_TEXT: Readonly<Record<FoundBy, string>> = {
  flag: 'from --runner.config',
  'process-argument': "from the runner's command line",
  'process-environment': "from the runner's environment",
  default: 'default path',
};

export function processText(runner: RunnerProcess | undefined): string {
  return runner === undefined ? 'no runner process' : `runner process ${runner.pid}`;
}
