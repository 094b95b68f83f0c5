/**
 * The runner silently ignores a key that it does not know. Which key was meant? In this order: what is set in
 * GitLab, another spelling of a key of this table, a key of another table, the nearest name.
 */
import { redactName } from '../config/runner/redact-value.ts';
import { entryOf } from '../config/runner/toml-tree.ts';
import { findNearest } from '../core/nearest.ts';
import { printable } from '../core/printable.ts';
import type { ParsedConfig, Visit } from './parsed-config.ts';
import type { Home } from './schema-index.ts';
import { foldName, headerOf, homesOf } from './schema-index.ts';
import type { Violation } from './violation.ts';

export interface UnknownKey {
  /** P13 unknown, P14 known elsewhere. */
  readonly code: 'P13' | 'P14';
  readonly violation: Violation;
}

const cache = new WeakMap<ParsedConfig, readonly UnknownKey[]>();

export function unknownKeysOf(config: ParsedConfig): readonly UnknownKey[] {
  const before = cache.get(config);
  if (before !== undefined) return before;
  const found = config.visits.flatMap((visit) =>
    visit.type === undefined ? [judgeKey(visit)] : [],
  );
  cache.set(config, found);
  return found;
}

/** What is often written, and what is right instead. */
const OFTEN: readonly {
  readonly path: RegExp;
  readonly says: string;
  readonly corrected?: string;
  /** The same value under this name. */
  readonly renamed?: string;
}[] = [
  {
    path: /^runners\.(?:tags|tag_list|run_untagged|locked|paused|access_level|maximum_timeout|description|maintenance_note)$/,
    says: 'it is set in GitLab, on the page of the runner, not in config.toml',
  },
  {
    path: /^(?:runners\.)?registration_token$/,
    says: 'registration happens once, and its result is `token`',
  },
  {
    path: /^runners\.(?:tls[-_](?:skip[-_])?verify|insecure|skip_tls_verify|ssl_verify)$/,
    says: 'no key turns off verification of the GitLab certificate; trust its certificate authority with `tls-ca-file`',
    corrected: 'tls-ca-file = "/etc/gitlab-runner/certs/ca.crt"',
  },
  {
    path: /^runners\.(?:docker|kubernetes)\.services\.image$/,
    says: 'the key is `name`; without it every job fails',
    renamed: 'name',
  },
  {
    path: /^runners\.docker\.helper_image_opts$/,
    says: 'the keys are `helper_image` and `helper_image_flavor`',
  },
  {
    path: /^runners\.docker\.cache$/,
    says: 'the cache is a table of the entry: [runners.cache] and [runners.cache.s3]',
    corrected: '[runners.cache]',
  },
  {
    path: /^runners\.pre_clone_script$/,
    says: 'since version 16.0 the key is `pre_get_sources_script`',
    renamed: 'pre_get_sources_script',
  },
  {
    path: /^runners\.post_clone_script$/,
    says: 'since version 16.0 the key is `post_get_sources_script`',
    renamed: 'post_get_sources_script',
  },
  {
    path: /^runners\.(?:docker|kubernetes)\.image_pull_policy$/,
    says: 'the key is `pull_policy`',
    renamed: 'pull_policy',
  },
  { path: /^metrics_server$/, says: 'the address of the metrics is `listen_address`' },
  { path: /^runner$/, says: 'the entries are `[[runners]]`', corrected: '[[runners]]' },
];

/** Known keys of another table. */
const ELSEWHERE = /^runners\.docker\.cache$/;

function judgeKey(visit: Visit): UnknownKey {
  const { path, entry, schema } = visit;
  const often = OFTEN.find((one) => one.path.test(path));
  if (often !== undefined) {
    return buildUnknownKey(
      ELSEWHERE.test(path) ? 'P14' : 'P13',
      visit,
      often.says,
      renameOften(visit, often),
    );
  }
  const twin = [...schema.keys.keys()].find((name) => foldName(name) === foldName(entry.key));
  if (twin !== undefined) {
    return buildUnknownKey('P13', visit, `it is spelled \`${twin}\``, renameTo(visit, twin));
  }
  const home = homeOf(visit);
  if (home !== undefined)
    return buildUnknownKey('P14', visit, homeText(home, visit), moveTo(home, entry.key));
  const near = findNearest(entry.key.toLowerCase(), [...schema.keys.keys()]);
  if (near === undefined) return buildUnknownKey('P13', visit, undefined, {});
  return buildUnknownKey('P13', visit, `did you mean \`${near}\`?`, {
    corrected: formatName(visit, near),
  });
}

function buildUnknownKey(
  code: UnknownKey['code'],
  { path, entry, section }: Visit,
  says: string | undefined,
  more: Pick<Violation, 'corrected' | 'edits'>,
): UnknownKey {
  const key = printable(redactKey(path, entry.key));
  const what = code === 'P14' ? 'has no effect here' : 'is unknown to the runner';
  return {
    code,
    violation: {
      position: entry.keyPosition,
      key,
      message: `${key} ${what}${says === undefined ? '' : `: ${says}`}`,
      ...(section === undefined ? {} : { entry: section.number }),
      ...more,
    },
  };
}

/** A secret on the wrong side of `=` becomes a key. */
function redactKey(path: string, key: string): string {
  return `${path.slice(0, path.length - key.length)}${redactName(key)}`;
}

function renameOften(
  visit: Visit,
  often: (typeof OFTEN)[number],
): Pick<Violation, 'corrected' | 'edits'> {
  if (often.renamed !== undefined) return renameTo(visit, often.renamed);
  return often.corrected === undefined ? {} : { corrected: often.corrected };
}

/** The key under another name; a certain correction if that name is free. */
function renameTo({ entry, parent }: Visit, name: string): Pick<Violation, 'corrected' | 'edits'> {
  const isTaken = entryOf(parent, name) !== undefined;
  const { line, column } = entry.keyPosition;
  const edit = {
    from: entry.keyPosition,
    to: { line, column: column + entry.key.length },
    text: name,
  };
  return {
    corrected: name,
    ...(isTaken || !/^[\w-]+$/.test(entry.key) || isTable(entry) ? {} : { edits: [edit] }),
  };
}

function isTable({ value }: Visit['entry']): boolean {
  return value.kind === 'table' || (value.kind === 'array' && value.elements[0]?.kind === 'table');
}

function formatName({ entry, path }: Visit, name: string): string {
  if (!isTable(entry)) return name;
  const parent = path.slice(0, path.length - entry.key.length);
  return headerOf(`${parent}${name}`);
}

/** The table that has this key: one above first, then one below, then any other. */
function homeOf({ path, entry }: Visit): Home | undefined {
  const here = path.includes('.') ? path.slice(0, path.lastIndexOf('.')) : '';
  const homes = homesOf(entry.key).filter(({ type }) => isTable(entry) === isTableType(type));
  const above = homes.findLast(({ table }) => isAbove(table, here));
  const below = homes.find(({ table }) => isAbove(here, table) && here !== '');
  const others = homes.filter(({ table }) => /^runners(?:\.\w+)?$|^$/.test(table));
  return above ?? below ?? (COMMON.has(foldName(entry.key)) ? undefined : others[0]);
}

/** Names that many tables have: another table is no sign of what was meant. */
const COMMON = new Set([
  'name',
  'image',
  'host',
  'path',
  'type',
  'key',
  'value',
  'user',
  'enabled',
]);

function isAbove(table: string, here: string): boolean {
  return table === '' ? here !== '' : here.startsWith(`${table}.`);
}

function isTableType({ kind }: Home['type']): boolean {
  return kind === 'table' || kind === 'tables' || kind === 'map';
}

function homeText({ table, name, type }: Home, { path }: Visit): string {
  if (isTableType(type)) {
    return `the table is ${headerOf(table === '' ? name : `${table}.${name}`)}`;
  }
  if (table === '') return 'it is a key of the whole file, above the first [[runners]]';
  const isUp = path.startsWith(`${table}.`);
  return isUp
    ? `it is a key of ${headerOf(table)}, above the tables below it`
    : `it is a key of ${headerOf(table)}`;
}

function moveTo({ table, name, type }: Home, key: string): Pick<Violation, 'corrected'> {
  if (isTableType(type)) return { corrected: headerOf(table === '' ? name : `${table}.${name}`) };
  const keyName = foldName(name) === foldName(key) ? name : key;
  return {
    corrected: table === '' ? `${keyName}, above [[runners]]` : `${keyName}, in ${headerOf(table)}`,
  };
}
