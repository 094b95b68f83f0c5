/** Parses the command line. It never throws; a usage error is one sentence with the closest known name. */
import { parseArgs } from 'node:util';

import { findNearest } from '../core/nearest.ts';
import { redactArgument } from '../core/redact-argument.ts';
import type { CommandName, CommandSpec, FlagSpec } from './command-table.ts';
import { COMMANDS, GENERAL } from './command-table.ts';

export interface Invocation {
  readonly command: CommandName;
  readonly positionals: readonly string[];
  /** Every flag given, or its default. Switches are `true` or absent. */
  readonly flags: Readonly<Record<string, string | readonly string[] | true | undefined>>;
  /** Names of the flags that were typed; the others have their default. */
  readonly given: ReadonlySet<string>;
}

export type Parsed =
  | { readonly kind: 'run'; readonly invocation: Invocation }
  | {
      readonly kind: 'print';
      readonly text: 'help' | 'version';
      readonly command: CommandName | undefined;
    }
  | { readonly kind: 'mistake'; readonly message: string };

export function parseCommandLine(argv: readonly string[]): Parsed {
  const first = argv[0];
  if (first !== undefined && !first.startsWith('-') && !isCommand(first)) {
    return usageError(`unknown command "${redactArgument(first)}"`, first, Object.keys(COMMANDS));
  }
  const command = first !== undefined && isCommand(first) ? first : undefined;
  const rest = command === undefined ? argv : argv.slice(1);
  return parseFlags(command, rest);
}

function isCommand(name: string): name is CommandName {
  return Object.hasOwn(COMMANDS, name);
}

function parseFlags(named: CommandName | undefined, argv: readonly string[]): Parsed {
  const command = named ?? 'serve';
  const spec: CommandSpec = COMMANDS[command];
  const flags = { ...spec.flags, ...GENERAL };
  const { tokens } = parseArgs({
    args: [...argv],
    options: optionsOf(flags),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const values = new Map<string, string[] | true>();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const value = valueOf(token);
    const problem = problemOf(token.name, token.rawName, value, flags);
    if (problem !== undefined) return problem;
    const before = values.get(token.name);
    values.set(
      token.name,
      value === undefined ? true : [...(Array.isArray(before) ? before : []), value],
    );
  }
  if (values.has('help')) return { kind: 'print', text: 'help', command: named };
  if (values.has('version')) return { kind: 'print', text: 'version', command: named };
  const extra = positionals[spec.positionals];
  if (extra !== undefined)
    return usageError(`${command} does not take the argument "${redactArgument(extra)}"`);
  return {
    kind: 'run',
    invocation: {
      command,
      positionals,
      flags: withDefaults(flags, values),
      given: new Set(values.keys()),
    },
  };
}

/** `--runner.config --watch`: the value is missing, and the next flag must not be taken as the value. */
function valueOf({
  value,
  inlineValue,
}: {
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}): string | undefined {
  return inlineValue !== true && value?.startsWith('--') ? undefined : value;
}

function optionsOf(
  flags: Readonly<Record<string, FlagSpec>>,
): Record<string, { type: 'string' | 'boolean'; short?: string }> {
  return Object.fromEntries(
    Object.entries(flags).map(([name, { value }]) => [
      name,
      { type: value === undefined ? 'boolean' : 'string' },
    ]),
  );
}

function problemOf(
  name: string,
  rawName: string,
  value: string | undefined,
  flags: Readonly<Record<string, FlagSpec>>,
): Parsed | undefined {
  const flag = Object.hasOwn(flags, name) ? flags[name] : undefined;
  if (flag === undefined) {
    return usageError(
      `unknown flag ${rawName}`,
      rawName,
      Object.keys(flags).map((known) => `--${known}`),
    );
  }
  if (flag.value === undefined && value !== undefined)
    return usageError(`${rawName} takes no value`);
  if (flag.value !== undefined && (value === undefined || value === '')) {
    return usageError(`${rawName} needs a value: ${rawName} ${flag.value}`);
  }
  if (flag.choices !== undefined && value !== undefined && !flag.choices.includes(value)) {
    return usageError(
      `${rawName} "${redactArgument(value)}" is not one of ${flag.choices.join(', ')}`,
      value,
      flag.choices,
    );
  }
  return undefined;
}

function withDefaults(
  flags: Readonly<Record<string, FlagSpec>>,
  values: ReadonlyMap<string, string[] | true>,
): Invocation['flags'] {
  const entries = Object.entries(flags).map(([name, flag]) => {
    const given = values.get(name);
    if (given === true) return [name, true];
    const texts = given ?? (flag.default === undefined ? [] : [flag.default]);
    return [name, flag.repeatable === true ? texts : texts.at(-1)];
  });
  return Object.fromEntries(entries) as Invocation['flags'];
}

function usageError(message: string, given?: string, candidates: readonly string[] = []): Parsed {
  const near = given === undefined ? undefined : findNearest(given, candidates);
  const hint = near === undefined ? 'see runnerwatch --help' : `did you mean ${near}?`;
  return { kind: 'mistake', message: `${message}; ${hint}` };
}

/** The text of a flag, or `undefined` when it was not given and has no default. */
export function textFlag({ flags }: Invocation, name: string): string | undefined {
  const value = flags[name];
  return typeof value === 'string' ? value : undefined;
}

/** The texts of a repeatable flag. */
export function listFlag({ flags }: Invocation, name: string): readonly string[] {
  const value = flags[name];
  return Array.isArray(value) ? value : [];
}

/** Whether a switch was given. */
export function switchFlag({ flags }: Invocation, name: string): boolean {
  return flags[name] === true;
}

/** Whether a flag was typed, rather than having its default. */
export function isGiven({ given }: Invocation, name: string): boolean {
  return given.has(name);
}
