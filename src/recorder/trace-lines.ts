/** The lines of a file that say what the runner gets from it, without secrets: what is compared, and what may be shown. */
import type { ChangedLine, ChangeKind } from '../core/change.ts';
import { certificatesOf } from '../go/tls/pem.ts';
import { digestOf } from '../host/fs/file-trace.ts';
import { withoutLogin } from './redaction.ts';

/** A bundle of a system has some hundred certificates; a file of a person few. */
const MAX_CERTIFICATES = 8;

/** Comments and further spaces change nothing. */
function keyOf(line: string): string {
  return line.replace(/#.*/, '').trim().split(/\s+/).join(' ');
}

function plainLine(text: string): ChangedLine {
  return { text: text.trimEnd(), key: keyOf(text) };
}

/** The lines of a hosts file that name one of these hosts. */
export function hostsLines(text: string, hosts: readonly string[]): readonly ChangedLine[] {
  return text
    .split('\n')
    .map((line) => plainLine(line))
    .filter(({ key }) => {
      const [, ...names] = key.split(' ');
      return names.some((name) => hosts.includes(name.toLowerCase()));
    });
}

/** Name servers, search list and options. */
export function resolverLines(text: string): readonly ChangedLine[] {
  return text
    .split('\n')
    .map((line) => plainLine(line))
    .filter(({ key }) => /^[a-z]/.test(key));
}

export function nameServiceLines(text: string): readonly ChangedLine[] {
  return (/^hosts:.*$/m.exec(text) ?? []).map((line) => plainLine(line));
}

/** By their subjects; none for a bundle of a whole system. */
export function certificateLines(text: string): readonly ChangedLine[] {
  const certificates = certificatesOf(text);
  if (certificates.length > MAX_CERTIFICATES) return [];
  return certificates.map(({ subject, fingerprint256: key }) => ({
    text: subject.split('\n').join(', '),
    key,
  }));
}

/** Keys of config.toml whose value is no secret, and what a change of each is. */
const SHOWN_KEYS: ReadonlyMap<string, ChangeKind> = new Map([
  ['url', 'config-url'],
  ...['tls-ca-file', 'tls-cert-file', 'tls-key-file'].map((key) => [key, 'config-trust'] as const),
  ...['executor', 'host', 'builds_dir', 'cache_dir', 'shell', 'tls_cert_path', 'image'].map(
    (key) => [key, 'config-executor'] as const,
  ),
  ...['config_exec', 'prepare_exec', 'run_exec', 'cleanup_exec', 'plugin', 'key_path'].map(
    (key) => [key, 'config-executor'] as const,
  ),
  ...['MachineName', 'MachineDriver', 'namespace', 'ca_file', 'cert_file', 'key_file'].map(
    (key) => [key, 'config-executor'] as const,
  ),
  ...['concurrent', 'check_interval', 'limit', 'request_concurrency', 'log_level'].map(
    (key) => [key, 'config'] as const,
  ),
  ...['log_format', 'listen_address', 'connection_max_age', 'shutdown_timeout'].map(
    (key) => [key, 'config'] as const,
  ),
]);
const TOKEN_KEY = 'token';
const MAX_SHOWN = 160;
/** A token behind another key, a query, or a long run as tokens have it. */
const MAYBE_SECRET = /gl[a-z]{1,8}-|GR1348941|\?|[0-9A-Za-z]{20}/;
const MULTI_LINE = /"""|'''/g;

interface ConfigLine extends ChangedLine {
  /** Number of its `[[runners]]` table, from 1; 0 above the first. */
  readonly table: number;
}

/**
 * Every line with content. Shown are those of known keys, outside of strings of several lines; of all others only a
 * digest is kept.
 */
export function configLines(text: string): readonly ChangedLine[] {
  const names = new Map<number, string>();
  let table = 0;
  let isInString = false;
  const found = text.split('\n').flatMap((line): readonly ConfigLine[] => {
    if (/^\s*\[\[\s*runners\s*\]\]/.test(line)) table += 1;
    const isWithin = isInString;
    if ((line.match(MULTI_LINE)?.length ?? 0) % 2 === 1) isInString = !isInString;
    const name = /^\s*name\s*=\s*["'](?<name>[^"']*)["']/.exec(line)?.groups?.['name'];
    if (name !== undefined && !isWithin && !names.has(table)) names.set(table, name);
    const key = line.trim();
    if (key === '' || key.startsWith('#')) return [];
    return [{ ...configLine(line, isWithin), table }];
  });
  return found.map(({ table: number, ...line }) => {
    const entry = names.get(number);
    return entry === undefined ? line : { ...line, entry };
  });
}

function configLine(line: string, isInString: boolean): ChangedLine {
  const { key = '', value = '' } =
    /^\s*(?<key>[\w-]+)\s*=\s*(?<value>.*)$/.exec(line)?.groups ?? {};
  const kind = isInString ? undefined : kindOfKey(key);
  const isShown = kind !== 'config-token' && line.length <= MAX_SHOWN && isPlain(value);
  if (kind !== undefined && isShown) {
    return { text: line.trimEnd(), key: keyOfConfig(line), kind };
  }
  const digest = digestOf(line.trim());
  return {
    text: kind === undefined ? 'a line' : key,
    key: digest,
    kind: kind ?? 'config',
    isHidden: true,
  };
}

function isPlain(value: string): boolean {
  return withoutLogin(value) === value && !MAYBE_SECRET.test(value);
}

function kindOfKey(key: string): ChangeKind | undefined {
  return key === TOKEN_KEY ? 'config-token' : SHOWN_KEYS.get(key);
}

/** `url="x"` and `url = "x"` are one. */
function keyOfConfig(line: string): string {
  return line.trim().replace(/\s*=\s*/, ' = ');
}

/** The variables of a process that decide on its proxy. */
export function proxyLines(environment: Readonly<Record<string, string>>): readonly ChangedLine[] {
  return Object.entries(environment)
    .filter(([name]) => /^(?:(?:https?|no|all)_proxy|REQUEST_METHOD)$/i.test(name))
    .map(([name, value]): ChangedLine => {
      const shown = withoutLogin(value);
      const text = `${name}=${shown}`;
      if (shown === value) return { text, key: text };
      // Another password is another proxy.
      return { text, key: `${name}=${digestOf(value)}`, isHidden: true };
    })
    .toSorted((a, b) => (a.text < b.text ? -1 : 1));
}
