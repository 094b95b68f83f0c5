/**
 * What is wrong in this config.toml, and what should be written instead? A pure function of the text and the
 * context: nothing is read here, and no finding contains a secret.
 */
import { readToml } from '../config/runner/runner-toml.ts';
import type { LeftOut, LintFinding, LintReport } from '../core/lint.ts';
import type { LintContext } from './context.ts';
import type { ParsedConfig } from './parsed-config.ts';
import { parsedConfigOf } from './parsed-config.ts';
import type { Need, Rule } from './rule.ts';
import { LINT_RULES, ruleNamed } from './rules/index.ts';
import type { ParseResult } from './syntax.ts';
import { MAX_LINT_BYTES, parseAll } from './syntax.ts';
import type { Edit, Violation } from './violation.ts';

/** A finding with the edits that correct it. */
export interface Fixable {
  readonly finding: LintFinding;
  readonly edits: readonly Edit[];
}

/** A text that was parsed once, and can be checked again when more of the host is known. */
export interface Prepared {
  readonly file: string;
  readonly parsed: ParseResult;
  readonly config?: ParsedConfig;
  readonly isUnread?: true;
}

/** `undefined` for a file that could not be read: then only the rules about the file itself are checked. */
export function prepare(content: string | Uint8Array | undefined, file: string): Prepared {
  if (content === undefined) {
    const nothing = readToml('', file);
    const root = nothing.ok ? { config: parsedConfigOf(nothing.root, file, '') } : {};
    return { file, parsed: { whole: true, faults: [] }, isUnread: true, ...root };
  }
  const size = typeof content === 'string' ? Buffer.byteLength(content) : content.byteLength;
  const text = size > MAX_LINT_BYTES ? '' : textOf(content);
  const parsed = parseAll(content, text, file);
  const { root } = parsed;
  return {
    file,
    parsed,
    ...(root === undefined ? {} : { config: parsedConfigOf(root, file, text) }),
  };
}

/** The text as its lines are counted; the parser rejects what is not valid UTF-8. */
export function textOf(content: string | Uint8Array): string {
  const text = typeof content === 'string' ? content : new TextDecoder().decode(content);
  return text.replace(/^\uFEFF/, '');
}

/** Findings with their edits, in the order of the file. */
export function judge(
  { parsed, config, file, isUnread }: Prepared,
  context: LintContext,
): readonly Fixable[] {
  const syntaxFaults = parsed.faults.flatMap(({ code, violation }) => {
    const rule = ruleNamed(code);
    return rule === undefined ? [] : [fixable(rule, violation, file)];
  });
  const rules = rulesFor(parsed.whole, isUnread === true);
  const found =
    config === undefined
      ? []
      : rules.flatMap((rule) =>
          [...rule.check(config, context)].map((violation) => fixable(rule, violation, file)),
        );
  const all = [...syntaxFaults, ...found];
  return [...all, ...nextStartFault(all, file, context)].toSorted(byPosition);
}

function rulesFor(isWhole: boolean, isUnread: boolean): readonly Rule[] {
  if (isUnread) return LINT_RULES.filter(({ code }) => code.startsWith('F'));
  return isWhole ? LINT_RULES : LINT_RULES.filter(isOfDecoder);
}

/** F08: a process that runs although this file stops it at its start still uses the previous file. */
function nextStartFault(
  all: readonly Fixable[],
  file: string,
  { process }: LintContext,
): readonly Fixable[] {
  const rule = ruleNamed('F08');
  const stops = all.filter(({ finding }) => finding.effect === 'start');
  const [first] = stops;
  if (rule === undefined || process === undefined || first === undefined) return [];
  const { line } = first.finding;
  const where = line === undefined ? '' : `, because of line ${line}`;
  const message = `process ${process.pid} uses the previous configuration and will not start again${where}`;
  return [fixable(rule, { message }, file)];
}

/** Of a file with gaps only type errors are certain: an absent key may be in a gap. */
function isOfDecoder({ code, effect }: Rule): boolean {
  return (code.startsWith('P') || code === 'S01') && effect === 'start';
}

export function reportOf(prepared: Prepared, context: LintContext): LintReport {
  const findings = judge(prepared, context).map(({ finding }) => finding);
  return {
    file: prepared.file,
    findings,
    leftOut: leftOutOf(context),
    judged: !findings.some(({ rule }) => rule === 'L01'),
  };
}

function fixable(rule: Rule, violation: Violation, file: string): Fixable {
  const { code, name, severity, effect, consequence, fix } = rule;
  const { position, key, entry, message, corrected, edits = [] } = violation;
  const stops = violation.effect ?? (violation.severity === undefined ? effect : undefined);
  return {
    edits,
    finding: {
      rule: code,
      name,
      severity: violation.severity ?? severity,
      ...(stops === undefined ? {} : { effect: stops }),
      file,
      ...(position === undefined ? {} : { line: position.line, column: position.column }),
      ...(key === undefined ? {} : { key }),
      ...(entry === undefined ? {} : { entry }),
      message,
      consequence,
      fix,
      ...(corrected === undefined ? {} : { corrected }),
    },
  };
}

function byPosition({ finding: a }: Fixable, { finding: b }: Fixable): number {
  return (
    (a.line ?? 0) - (b.line ?? 0) ||
    (a.column ?? 0) - (b.column ?? 0) ||
    (a.rule < b.rule ? -1 : Number(a.rule > b.rule))
  );
}

const REASONS: Readonly<Record<Need, string>> = {
  files: 'no runner on this host uses this file, so that the files it names were not read',
  process: 'no gitlab-runner process uses this file',
  host: 'the size of the runner host is not known',
  history: 'only the daemon sees how the file changes',
};

function leftOutOf(context: LintContext): readonly LeftOut[] {
  const has: Readonly<Record<Need, boolean>> = {
    files: context.files !== undefined,
    process: context.process !== undefined,
    host: context.host !== undefined,
    history: context.history !== undefined,
  };
  return (Object.keys(REASONS) as Need[]).flatMap((need) => {
    const rules = LINT_RULES.filter(({ needs = [] }) => needs.includes(need)).map(
      ({ code }) => code,
    );
    return has[need] || rules.length === 0 ? [] : [{ rules, because: REASONS[need] }];
  });
}
