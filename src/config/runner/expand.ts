/**
 * Expands `$NAME` and `${NAME}` in url and token: Go's os.ExpandEnv over the environment of the runner's process. An
 * unset variable becomes empty; an environment that cannot be read is reported.
 */

export type Environment = Readonly<Record<string, string>>;

export type Expansion =
  | {
      readonly kind: 'text';
      readonly text: string;
      /** Variables that are not set, by name. */
      readonly unset: readonly string[];
    }
  | {
      /** The text names variables, and the environment is not known. */
      readonly kind: 'blind';
      readonly variables: readonly string[];
    };

/** `${x}`, `${1}`, an unclosed `${` (which Go drops), `$1`, `$x`. A `$` before anything else stays. */
const REFERENCE = /\$(?:\{(?<braced>[^}]*)\}|(?<open>\{)|(?<special>[*#$@!?\-0-9])|(?<bare>\w+))/g;

/** Expands a text; `environment` is undefined when it could not be read. */
export function expandEnvironment(text: string, environment: Environment | undefined): Expansion {
  const names = [...text.matchAll(REFERENCE)].map(({ groups }) => nameOf(groups));
  const variables = [...new Set(names.filter((name) => name !== ''))];
  if (environment === undefined && variables.length > 0) return { kind: 'blind', variables };
  const known = environment ?? {};
  const expanded = text.replaceAll(REFERENCE, (...found) => {
    const name = nameOf(found.at(-1) as Record<string, string | undefined>);
    return Object.hasOwn(known, name) ? (known[name] ?? '') : '';
  });
  const unset = variables.filter((name) => !Object.hasOwn(known, name));
  return { kind: 'text', text: expanded, unset };
}

function nameOf(groups: Record<string, string | undefined> | undefined): string {
  return groups?.['braced'] ?? groups?.['special'] ?? groups?.['bare'] ?? '';
}

/** Whether the text names a variable, and does not only hold a `$`. */
export function namesVariables(text: string): boolean {
  const found = expandEnvironment(text, undefined);
  return found.kind === 'blind' && found.variables.every(isVariableName);
}

/** Whether a name may be shown: part of a token after a stray `$` is not the name of a variable. */
export function isVariableName(name: string): boolean {
  return /^[A-Z][A-Z0-9_]{0,60}$/.test(name);
}

/** A name as it may be shown. */
export function formatVariable(name: string): string {
  return isVariableName(name) ? `$${name}` : 'a variable';
}
