/**
 * [runners.cache]: none of its faults stops a job (docs/reference/runner-config.md#cache). What a cache needs depends on
 * its `Type` and on which of its tables has keys, which a row about single keys cannot say.
 */
import type { TomlValue } from '../../config/runner/toml-tree.ts';
import { accessFaultOf } from '../named-files.ts';
import type { Section } from '../parsed-config.ts';
import type { Rule } from '../rule.ts';
import { perEntry } from '../rule.ts';
import { entryAt, filledAt, flagAt, tableAt, textAt } from '../values.ts';
import type { Violation } from '../violation.ts';
import { atTable, atValue, replacement, quote } from '../violation.ts';

const TYPES = ['s3', 'gcs', 'azure'];
const key = (name: string): string => `runners.cache.${name}`;

/** Required keys by type. */
const REQUIRED: Readonly<Record<string, readonly string[]>> = {
  s3: ['BucketName'],
  gcs: ['BucketName'],
  azure: ['AccountName', 'ContainerName'],
};

/** Types whose table says something: `register` writes tables that are empty, or have zeros alone. */
function filledKinds({ table }: Section): readonly string[] {
  return TYPES.filter((name) =>
    [...(tableAt(table, 'cache', name)?.value.entries.values() ?? [])].some(
      ({ value }) => !isZero(value),
    ),
  );
}

function isZero(value: TomlValue): boolean {
  if (value.kind === 'string') return value.text === '';
  return value.kind === 'integer' ? value.value === 0n : value.kind === 'boolean' && !value.value;
}

export const CACHE_RULES: readonly Rule[] = [
  {
    code: 'C01',
    name: 'cache-type-wrong',
    severity: 'warning',
    title: '`Type` of the cache is missing or unknown',
    consequence: 'The cache is off, and each job logs an error.',
    fix: 'Write `Type = "s3"`, "gcs" or "azure", in lower case.',
    check: perEntry((section) => {
      const cache = tableAt(section.table, 'cache')?.value;
      const type = textAt(section.table, 'cache', 'Type');
      const kinds = filledKinds(section);
      if (cache === undefined || TYPES.includes(type?.value ?? '')) return [];
      if (type === undefined || type.value === '') {
        const [kind] = kinds;
        if (kind === undefined) return [];
        const more = { key: key('Type'), corrected: `Type = "${kind}"` };
        const message = `the cache of ${section.label} has no Type`;
        return [
          type === undefined ? atTable(cache, message, more) : atValue(type.entry, message, more),
        ];
      }
      const same = TYPES.find((name) => name === type.value.toLowerCase().trim());
      const more = same === undefined ? {} : replacement(type.entry, same);
      return [
        atValue(type.entry, `unknown cache type ${quote('Type', type.value)}`, {
          key: key('Type'),
          ...more,
        }),
      ];
    }),
  },
  {
    code: 'C02',
    name: 'cache-incomplete',
    severity: 'warning',
    title: 'A required key of the cache is missing',
    consequence: 'The cache is off, and each job logs an error.',
    fix: 'Add the key to the table of the cache type.',
    check: perEntry((section) => {
      const type = textAt(section.table, 'cache', 'Type');
      const names = REQUIRED[type?.value ?? ''];
      if (type === undefined || names === undefined) return [];
      const below = tableAt(section.table, 'cache', type.value)?.value;
      const header = `[runners.cache.${type.value}]`;
      if (below === undefined)
        return [
          atValue(type.entry, `the cache of ${section.label} has no ${header}`, {
            key: key(type.value),
            corrected: header,
          }),
        ];
      return names
        .filter((name) => filledAt(below, name) === undefined)
        .map((name) =>
          atTable(below, `${header} has no ${name}`, {
            key: key(`${type.value}.${name}`),
            corrected: `${name} = "…"`,
          }),
        );
    }),
  },
  {
    code: 'C03',
    name: 's3-keys-ignored',
    severity: 'warning',
    title: 'The S3 credentials or `ServerAddress` are incomplete',
    consequence: 'The runner ignores them and uses the IAM role of its machine.',
    fix: 'Set `ServerAddress`, `AccessKey` and `SecretKey`, or `AuthenticationType = "access-key"`.',
    check: perEntry(({ table }) => {
      const s3 = tableAt(table, 'cache', 's3')?.value;
      if (s3 === undefined || filledAt(s3, 'AuthenticationType') !== undefined) return [];
      const keys = ['AccessKey', 'SecretKey'].map((name) => filledAt(s3, name));
      const given = keys.find((found) => found !== undefined);
      const missing = ['ServerAddress', 'AccessKey', 'SecretKey'].filter(
        (name) => filledAt(s3, name) === undefined,
      );
      if (given === undefined || missing.length === 0) return [];
      const first = missing[0] ?? '';
      return [
        atValue(given.entry, `${given.entry.key} is ignored, because ${first} is missing`, {
          key: key(`s3.${first}`),
          corrected: `${first} = "${first === 'ServerAddress' ? 's3.amazonaws.com' : '…'}"`,
        }),
      ];
    }),
  },
  {
    code: 'C05',
    name: 'cache-not-shared',
    severity: 'warning',
    title: 'Several entries use one bucket, each with its own path',
    consequence: 'A job finds only caches that the same entry created.',
    fix: 'Set `Shared = true` in all of them.',
    check: ({ sections }) => {
      const buckets = Map.groupBy(sections, bucketOf);
      return [...buckets].flatMap(([bucket, users]) =>
        bucket === '' || users.length < 2
          ? []
          : users
              .filter((one) => flagAt(one.table, 'cache', 'Shared')?.value !== true)
              .flatMap(notShared),
      );
    },
  },
  {
    code: 'C06',
    name: 'gcs-credentials-unreadable',
    severity: 'warning',
    title: '`CredentialsFile` for Google Cloud Storage is missing or not readable',
    consequence: 'The cache is off, and each job logs an error.',
    fix: 'Create the file, readable for the runner.',
    needs: ['files'],
    check: perEntry(({ table }, context) => {
      const found = filledAt(table, 'cache', 'gcs', 'CredentialsFile');
      const why = accessFaultOf(found, context);
      if (found === undefined || why === undefined) return [];
      const message = `CredentialsFile ${why}`;
      return [atValue(found.entry, message, { key: key('gcs.CredentialsFile') })];
    }),
  },
];

/** Type and bucket of a cache; empty for none. */
function bucketOf({ table }: Section): string {
  const type = filledAt(table, 'cache', 'Type')?.value ?? '';
  const bucket = ['BucketName', 'ContainerName'].map(
    (name) => filledAt(table, 'cache', type, name)?.value ?? '',
  );
  return bucket.join('') === '' ? '' : `${type} ${bucket.join(' ')}`;
}

function notShared(section: Section): readonly Violation[] {
  const shared = entryAt(section.table, 'cache', 'Shared');
  const cache = tableAt(section.table, 'cache')?.value;
  if (cache === undefined) return [];
  const message = `${section.label} uses the bucket of another entry, and Shared is not true`;
  const more = { key: key('Shared'), entry: section.number, corrected: 'Shared = true' };
  return [shared === undefined ? atTable(cache, message, more) : atValue(shared, message, more)];
}
