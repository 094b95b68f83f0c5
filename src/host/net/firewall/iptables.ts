/**
 * Reads what `iptables-save` and `ip6tables-save` print (iptables-extensions(8)): tables, chains and rules, each rule as
 * the arguments that made it.
 */
import { quoteArgument } from '../../../core/shell.ts';
import { conditionsOf } from './iptables-match.ts';
import type { Action, Chain, Program, Rule } from './ruleset.ts';
import { actionOfTarget } from './ruleset.ts';

/** A word of a rule; a quoted one is never an option. */
interface Word {
  readonly text: string;
  readonly isQuoted: boolean;
}

/** `! --dports 80,443` of `-m multiport`. */
export interface Option {
  /** Absent before the first `-m`. */
  readonly module?: string;
  readonly name: string;
  readonly isNegated: boolean;
  readonly values: readonly string[];
}

const PRIORITIES: Readonly<Record<string, number>> = {
  raw: -300,
  mangle: -150,
  filter: 0,
  security: 50,
};
/** The table nat has two. */
const BEFORE_FILTER = -100;
const AFTER_FILTER = 100;
const HOOKS: readonly string[] = ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'];

/** `program` deletes its rules: `iptables-legacy`. */
export function readIptables(text: string, program: Program): readonly Chain[] {
  const chains: (Omit<Chain, 'rules'> & { readonly lines: string[] })[] = [];
  let table = '';
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) table = line.slice(1).trim();
    const { name, policy } = /^:(?<name>\S+) (?<policy>\S+)/.exec(line)?.groups ?? {};
    if (name !== undefined && policy !== undefined) {
      const family = program.startsWith('ip6') ? 'ip6' : 'ip';
      const isNat = table === 'nat';
      const head = { program, family, table, name, isNat, ...hookOf(table, name, policy) };
      chains.push({ ...head, lines: [] });
    }
    const owner = /^(?:\[\d+:\d+\] )?-A (?<chain>\S+)/.exec(line)?.groups?.['chain'];
    chains.find((one) => one.table === table && one.name === owner)?.lines.push(line);
  }
  return chains.map(({ lines, ...chain }) => ({
    ...chain,
    rules: lines.map((line) => readRule(line, chain, chains)),
  }));
}

function hookOf(
  table: string,
  name: string,
  policy: string,
): Pick<Chain, 'hook' | 'priority' | 'policy'> {
  if (policy === '-' || !HOOKS.includes(name)) return {};
  const ofNat = ['PREROUTING', 'OUTPUT'].includes(name) ? BEFORE_FILTER : AFTER_FILTER;
  return {
    hook: name.toLowerCase(),
    priority: PRIORITIES[table] ?? ofNat,
    policy: policy.toLowerCase(),
  };
}

function readRule(
  line: string,
  { program, table, name }: Omit<Chain, 'rules'>,
  chains: readonly Omit<Chain, 'rules'>[],
): Rule {
  const words = wordsOf(line.slice(line.indexOf('-A ')));
  const specification = words
    .slice(2)
    .map(({ text, isQuoted }) => (text === '!' && !isQuoted ? text : quoteArgument(text)))
    .join(' ');
  const options = optionsOf(words.slice(2));
  const comment = options.find((one) => one.name === '--comment')?.values[0];
  const ofTable = table === 'filter' ? '' : ` -t ${table}`;
  const isChain = (target: string): boolean =>
    chains.some((one) => one.table === table && one.name === target);
  return {
    location: `${program}${ofTable} -A ${name} ${specification}`,
    conditions: conditionsOf(options),
    action: actionOf(options, isChain),
    ...(comment === undefined ? {} : { comment }),
    isByUser: options.some(({ module }) => module === 'owner'),
    specification,
  };
}

function actionOf(options: readonly Option[], isChain: (name: string) => boolean): Action {
  const at = options.findIndex(({ name }) => name === '-j' || name === '-g');
  const { name, values: [target = ''] = [] } = options[at] ?? {};
  if (name === undefined) return { kind: 'continue' };
  if (isChain(target)) return { kind: name === '-g' ? 'goto' : 'jump', chain: target };
  const words = options.slice(at + 1).flatMap((one) => [one.name, ...one.values]);
  return actionOfTarget(target, words) ?? { kind: 'undecided' };
}

/** As iptables quotes: blanks within quotation marks, backslashes before marks. */
function wordsOf(line: string): readonly Word[] {
  const matches = line.matchAll(/"(?<quoted>(?:[^"\\]|\\.)*)"|(?<plain>\S+)/g);
  return [...matches].map(({ groups }) => {
    const quoted = groups?.['quoted'];
    if (quoted === undefined) return { text: groups?.['plain'] ?? '', isQuoted: false };
    return { text: quoted.replaceAll(/\\(?<mark>.)/g, '$<mark>'), isQuoted: true };
  });
}

/** Targets have their options behind `-j`, which belong to no module. */
function optionsOf(words: readonly Word[]): readonly Option[] {
  const options: (Omit<Option, 'values'> & { readonly values: string[] })[] = [];
  let module: string | undefined;
  let isNegated = false;
  for (const { text, isQuoted } of words) {
    const isOption = !isQuoted && text.startsWith('-');
    if (!isQuoted && text === '!') isNegated = true;
    else if (isOption) {
      if (text === '-j' || text === '-g') module = undefined;
      options.push({
        ...(module === undefined ? {} : { module }),
        name: text,
        isNegated,
        values: [],
      });
      isNegated = false;
    } else {
      const last = options.at(-1);
      last?.values.push(text);
      if (last?.name === '-m') module = text;
    }
  }
  return options;
}
