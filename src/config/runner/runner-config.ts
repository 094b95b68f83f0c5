/**
 * Would the runner load this config.toml, and what does it contain (docs/reference/runner-config.md#loading)?
 *
 * Only problems that stop the load: the runner does not start with such a file, and keeps its old configuration at a
 * reload. All other problems are the linter's.
 */
import type { Instant } from '../../core/clock.ts';
import type { Problem } from '../../core/reading.ts';
import { Secret } from '../../core/secret.ts';
import { typeErrors } from './decode.ts';
import { MAX_TOML_BYTES, readToml } from './runner-toml.ts';
import type { TomlVersion } from './dialect.ts';
import type { ExecutorSettings } from './executor-settings.ts';
import { executorSettingsOf } from './executor-settings.ts';
import { LOG_FORMATS, LOG_LEVELS, MIN_CONCURRENT } from './schema-constraints.ts';
import { RUNNER_CONFIG } from './schema.ts';
import { redactValue } from './redact-value.ts';
import type { Position, TomlTable, TomlValue } from './toml-tree.ts';
import { entryOf, tablesOf } from './toml-tree.ts';

/** What this program uses of a file that loads. */
export interface RunnerDocument {
  readonly file: string;
  readonly concurrent: number;
  readonly listenAddress?: string;
  readonly checkIntervalSeconds: number;
  readonly runners: readonly RunnerEntry[];
  /** False for a file without a single key. */
  readonly hasKeys: boolean;
}

/** One `[[runners]]`. Texts are as written: not expanded, not made absolute. */
export interface RunnerEntry {
  /** From 1. */
  readonly number: number;
  readonly name: string;
  readonly url: string;
  readonly urlPlace: Position;
  readonly token: Secret;
  readonly tokenPlace: Position;
  readonly executor: string;
  readonly tlsCaFile?: string;
  readonly tlsCertFile?: string;
  readonly tlsKeyFile?: string;
  readonly buildsDir?: string;
  readonly cacheDir?: string;
  /** Where jobs fetch their sources, in position of `url`. */
  readonly cloneUrl?: string;
  readonly dockerHost?: string;
  /** `id`: the number of the runner in GitLab. */
  readonly recordId?: number;
  /** Folder of its TLS files; only where `tls_verify` is set. */
  readonly dockerCertificates?: string;
  /** What its executor needs beside Docker. */
  readonly settings: ExecutorSettings;
  /** `environment = ["HTTPS_PROXY=…"]`: for jobs, and often written for the runner itself. */
  readonly proxyLines: readonly ProxyLine[];
  readonly tokenExpiresAt?: Instant;
  readonly tokenObtainedAt?: Instant;
  /** Of its header. */
  readonly line: number;
  readonly column: number;
}

export interface ProxyLine {
  readonly variable: string;
  readonly value: Secret;
  readonly line: number;
}

export interface RunnerTextReading {
  /** Absent when the runner would not load the file. */
  readonly document?: RunnerDocument;
  readonly problems: readonly Problem[];
}

const DEFAULT_CONCURRENT = 1;
const DEFAULT_CHECK_INTERVAL_SECONDS = 3;

/** Reads the content of a config.toml. `file` is named in problems. */
export function readRunnerText(
  content: string | Uint8Array,
  file: string,
  toml: TomlVersion = '1.1',
): RunnerTextReading {
  const reading = readToml(content, file, MAX_TOML_BYTES, toml);
  if (!reading.ok) return { problems: [reading.problem] };
  const { root } = reading;
  const problems = [
    ...typeErrors(root, RUNNER_CONFIG, file),
    ...allowedValueProblems(root, 'log_level', LOG_LEVELS, file),
    ...allowedValueProblems(root, 'log_format', LOG_FORMATS, file),
    ...concurrentProblems(root, file),
  ].toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0));
  return problems.length > 0 ? { problems } : { document: documentOf(root, file), problems };
}

function allowedValueProblems(
  root: TomlTable,
  key: string,
  words: readonly string[],
  file: string,
): readonly Problem[] {
  const value = entryOf(root, key)?.value;
  if (value?.kind !== 'string') return [];
  // The level may have any letter case, the format may not.
  const word = key === 'log_level' ? value.text.toLowerCase() : value.text;
  if (words.includes(word)) return [];
  const { line, column } = value.position;
  return [
    {
      code: 'invalid-value',
      file,
      line,
      column,
      message: `${key} must be one of ${words.join(', ')}, but line ${line} has "${redactValue(key, value.text)}"`,
      fix: `Write \`${key} = "${words.includes('info') ? 'info' : 'runner'}"\`, or remove the line.`,
      key,
      expected: words.join(', '),
      found: redactValue(key, value.text),
    },
  ];
}

function concurrentProblems(root: TomlTable, file: string): readonly Problem[] {
  const value = entryOf(root, 'concurrent')?.value;
  if (value?.kind !== 'integer' || value.value >= MIN_CONCURRENT) return [];
  const { line, column } = value.position;
  const found = String(value.value);
  return [
    {
      code: 'concurrent-zero',
      file,
      line,
      column,
      message: `concurrent must be at least 1, but line ${line} has ${found}: the runner process exits`,
      fix: 'Set `concurrent = 1` or more.',
      key: 'concurrent',
      expected: 'at least 1',
      found,
      corrected: 'concurrent = 1',
    },
  ];
}

function documentOf(root: TomlTable, file: string): RunnerDocument {
  const listenAddress = textAt(root, 'listen_address');
  const interval = integerAt(root, 'check_interval') ?? 0;
  return {
    file,
    concurrent: integerAt(root, 'concurrent') ?? DEFAULT_CONCURRENT,
    ...(listenAddress === undefined ? {} : { listenAddress }),
    checkIntervalSeconds: interval > 0 ? interval : DEFAULT_CHECK_INTERVAL_SECONDS,
    runners: tablesOf(entryOf(root, 'runners')?.value).map((table, index) =>
      runnerOf(table, index + 1),
    ),
    hasKeys: root.entries.size > 0,
  };
}

function runnerOf(table: TomlTable, number: number): RunnerEntry {
  const docker = tablesOf(entryOf(table, 'docker')?.value)[0];
  return {
    number,
    name: textOr(table, 'name'),
    url: textOr(table, 'url'),
    urlPlace: positionOf(table, 'url'),
    token: new Secret(textOr(table, 'token')),
    tokenPlace: positionOf(table, 'token'),
    executor: textOr(table, 'executor'),
    proxyLines: proxyLinesOf(entryOf(table, 'environment')?.value),
    settings: executorSettingsOf(table),
    ...definedFields({
      tlsCaFile: textAt(table, 'tls-ca-file'),
      tlsCertFile: textAt(table, 'tls-cert-file'),
      tlsKeyFile: textAt(table, 'tls-key-file'),
      buildsDir: textAt(table, 'builds_dir'),
      cloneUrl: textAt(table, 'clone_url'),
      cacheDir: textAt(table, 'cache_dir'),
      recordId: integerAt(table, 'id'),
      dockerHost: docker === undefined ? undefined : textAt(docker, 'host'),
      dockerCertificates: docker === undefined ? undefined : certificatesOf(docker),
      tokenExpiresAt: instantOf(entryOf(table, 'token_expires_at')?.value),
      tokenObtainedAt: instantOf(entryOf(table, 'token_obtained_at')?.value),
    }),
    line: table.position.line,
    column: table.position.column,
  };
}

function certificatesOf(docker: TomlTable): string | undefined {
  const verify = entryOf(docker, 'tls_verify')?.value;
  return verify?.kind === 'boolean' && verify.value ? textAt(docker, 'tls_cert_path') : undefined;
}

function proxyLinesOf(value: TomlValue | undefined): readonly ProxyLine[] {
  if (value?.kind !== 'array') return [];
  return value.elements.flatMap((item) => {
    const [, variable, text] =
      item.kind === 'string' ? (/^((?:https?|no|all)_proxy)=(.*)$/i.exec(item.text) ?? []) : [];
    if (variable === undefined || text === undefined) return [];
    return [{ variable, value: new Secret(text), line: item.position.line }];
  });
}

/** Without the members that are not there. */
function definedFields<T extends object>(
  members: T,
): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

/** A text that is present and not empty: the runner treats an empty one as absent. */
function textAt(table: TomlTable, key: string): string | undefined {
  const value = entryOf(table, key)?.value;
  return value?.kind === 'string' && value.text !== '' ? value.text : undefined;
}

function textOr(table: TomlTable, key: string): string {
  return textAt(table, key) ?? '';
}

/** Of a value, or of the table that lacks it. */
function positionOf(table: TomlTable, key: string): Position {
  return entryOf(table, key)?.value.position ?? table.position;
}

function integerAt(table: TomlTable, key: string): number | undefined {
  const value = entryOf(table, key)?.value;
  return value?.kind === 'integer' ? Number(value.value) : undefined;
}

/** Go's zero time, 0001-01-01, means "never". */
function instantOf(value: TomlValue | undefined): Instant | undefined {
  if (value?.kind !== 'datetime' && value?.kind !== 'string') return undefined;
  const at = value.kind === 'datetime' ? value.at : Date.parse(value.text);
  return Number.isNaN(at) || new Date(at).getUTCFullYear() <= 1 ? undefined : at;
}
