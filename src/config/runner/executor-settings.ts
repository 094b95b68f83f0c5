/** What the tables of the executors name outside of config.toml: programs, files, an API. Texts are as written. */
import { Secret } from '../../core/secret.ts';
import type { TomlTable } from './toml-tree.ts';
import { entryOf, tablesOf } from './toml-tree.ts';

/** Absent where the entry has no such table. */
export interface ExecutorSettings {
  readonly custom?: CustomSettings;
  readonly machine?: MachineSettings;
  readonly autoscaler?: AutoscalerSettings;
  readonly kubernetes?: ClusterSettings;
}

/** `[runners.kubernetes]` */
export interface ClusterSettings {
  readonly host?: string;
  readonly namespace?: string;
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly bearerToken?: Secret;
  readonly hasNamespacePerJob: boolean;
  /** Jobs run by exec in their pods, not by attach. */
  readonly runsByExec: boolean;
}

/** `[runners.custom]` */
export interface CustomSettings {
  readonly configExec?: string;
  readonly prepareExec?: string;
  readonly runExec?: string;
  readonly cleanupExec?: string;
}

/** `[runners.machine]` */
export interface MachineSettings {
  readonly name?: string;
  readonly driver?: string;
}

/** `[runners.autoscaler]` */
export interface AutoscalerSettings {
  readonly plugin?: string;
  /** `connector_config.key_path` */
  readonly keyFile?: string;
}

const LEGACY_STRATEGY = 'FF_USE_LEGACY_KUBERNETES_EXECUTION_STRATEGY';

export function executorSettingsOf(entry: TomlTable): ExecutorSettings {
  return {
    ...read(entry, 'custom', (table) => ({
      ...text(table, 'config_exec', 'configExec'),
      ...text(table, 'prepare_exec', 'prepareExec'),
      ...text(table, 'run_exec', 'runExec'),
      ...text(table, 'cleanup_exec', 'cleanupExec'),
    })),
    ...read(entry, 'machine', (table) => ({
      ...text(table, 'MachineName', 'name'),
      ...text(table, 'MachineDriver', 'driver'),
    })),
    ...read(entry, 'autoscaler', (table) => ({
      ...text(table, 'plugin', 'plugin'),
      ...text(tableIn(table, 'connector_config'), 'key_path', 'keyFile'),
    })),
    ...read(entry, 'kubernetes', (table) => ({
      ...text(table, 'host', 'host'),
      ...text(table, 'namespace', 'namespace'),
      ...text(table, 'ca_file', 'caFile'),
      ...text(table, 'cert_file', 'certFile'),
      ...text(table, 'key_file', 'keyFile'),
      ...secret(table, 'bearer_token', 'bearerToken'),
      hasNamespacePerJob: isSet(table, 'namespace_per_job'),
      runsByExec: isFlagOn(entry, LEGACY_STRATEGY),
    })),
  };
}

function read<K extends keyof ExecutorSettings>(
  entry: TomlTable,
  key: K,
  readTable: (table: TomlTable) => NonNullable<ExecutorSettings[K]>,
): Pick<ExecutorSettings, K> | undefined {
  const table = tableIn(entry, key);
  return table && ({ [key]: readTable(table) } as unknown as Pick<ExecutorSettings, K>);
}

function tableIn(parent: TomlTable, key: string): TomlTable | undefined {
  return tablesOf(entryOf(parent, key)?.value)[0];
}

/** An empty text is the same as none. */
function text<N extends string>(
  table: TomlTable | undefined,
  key: string,
  name: N,
): { readonly [K in N]?: string } {
  const value = table && entryOf(table, key)?.value;
  if (value?.kind !== 'string' || value.text === '') return {};
  return { [name]: value.text } as { readonly [K in N]?: string };
}

function secret<N extends string>(
  table: TomlTable,
  key: string,
  name: N,
): { readonly [K in N]?: Secret } {
  const value = entryOf(table, key)?.value;
  if (value?.kind !== 'string' || value.text === '') return {};
  return { [name]: new Secret(value.text) } as { readonly [K in N]?: Secret };
}

/** As Go reads a boolean of a variable. */
const IS_TRUE = /^(?:1|t|T|TRUE|true|True)$/;

/** `feature_flags` counts before `environment`, of which the last one of a name counts. */
function isFlagOn(entry: TomlTable, flag: string): boolean {
  const flags = tableIn(entry, 'feature_flags');
  if (flags !== undefined && entryOf(flags, flag) !== undefined) return isSet(flags, flag);
  const list = entryOf(entry, 'environment')?.value;
  const texts =
    list?.kind === 'array'
      ? list.elements.flatMap((item) => (item.kind === 'string' ? [item.text] : []))
      : [];
  const last = texts.findLast((text) => text.startsWith(`${flag}=`));
  return last !== undefined && IS_TRUE.test(last.slice(flag.length + 1));
}

function isSet(table: TomlTable | undefined, key: string): boolean {
  const value = table && entryOf(table, key)?.value;
  return value?.kind === 'boolean' && value.value;
}
