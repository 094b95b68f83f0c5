/**
 * url and token of an entry as the runner has them: `$NAME` filled in from its environment:
 * docs/reference/runner-config.md#loading.
 */
import { expandEnvironment } from '../config/runner/expand.ts';
import type { TomlEntry } from '../config/runner/toml-tree.ts';
import { Secret } from '../core/secret.ts';
import type { LintContext } from './context.ts';
import { textAt } from './reading.ts';
import type { Section } from './subject.ts';

export interface Expanded {
  readonly entry: TomlEntry;
  readonly text: string;
  /** Variables that the process does not have. */
  readonly unset: readonly string[];
}

/** `undefined` where the key is absent, or names variables and the environment is not known. */
export function expandedAt(
  { table }: Section,
  key: 'url' | 'token',
  { environment }: LintContext,
): Expanded | undefined {
  const found = textAt(table, key);
  if (found === undefined) return undefined;
  const expansion = expandEnvironment(found.value, environment);
  if (expansion.kind === 'blind') return undefined;
  return { entry: found.entry, text: expansion.text, unset: expansion.unset };
}

/** The token, which nobody may show. */
export function tokenOf(
  section: Section,
  context: LintContext,
):
  | { readonly entry: TomlEntry; readonly token: Secret; readonly unset: readonly string[] }
  | undefined {
  const found = expandedAt(section, 'token', context);
  return found === undefined
    ? undefined
    : { entry: found.entry, token: new Secret(found.text), unset: found.unset };
}

/** A name of this host itself. */
export function isLocal(hostname: string): boolean {
  return /^(?:localhost|127(?:\.\d+){3}|\[::1\]|.*\.localhost)$/.test(hostname);
}
