/** `runnerwatch explain [CAUSE|RULE]`: the causes and the rules of lint, for reading in the terminal. */
import { findNearest } from '../core/nearest.ts';
import { redactArgument } from '../core/redact-argument.ts';
import { causeSpec, catalogue } from '../diagnosis/catalogue/index.ts';
import { explainPage } from '../diagnosis/explain.ts';
import { rulePage } from '../lint/rule-page.ts';
import { LINT_RULES, ruleNamed } from '../lint/rules/index.ts';
import type { Invocation } from './command-line.ts';
import { terminalWidth } from './screen.ts';

const EXIT_OK = 0;
const EXIT_USAGE = 2;

export async function explain({ positionals: [id] }: Invocation): Promise<number> {
  if (id === undefined) {
    const width = Math.max(...catalogue.map((spec) => spec.id.length));
    const lines = catalogue.map(
      (spec) => `${spec.id.padEnd(width)}  ${spec.severity.padEnd(8)}  ${spec.title}`,
    );
    process.stdout.write(`${lines.join('\n')}\n`);
    return EXIT_OK;
  }
  const spec = causeSpec(id);
  if (spec !== undefined) {
    process.stdout.write(`${explainPage(spec, terminalWidth())}\n`);
    return EXIT_OK;
  }
  const rule = ruleNamed(id);
  if (rule !== undefined) {
    process.stdout.write(`${rulePage(rule)}\n`);
    return EXIT_OK;
  }
  const near = findNearest(id, [
    ...catalogue.map((known) => known.id),
    ...LINT_RULES.flatMap(({ code, name }) => [code, name]),
  ]);
  const hint =
    near === undefined ? 'run runnerwatch explain for the list' : `did you mean ${near}?`;
  process.stderr.write(`runnerwatch: unknown cause "${redactArgument(id)}"; ${hint}\n`);
  return EXIT_USAGE;
}
