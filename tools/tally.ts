/**
 * A vitest reporter for `npm test`: a line for each file and for each failure, and the sum as JSON for the caller. A
 * skipped test counts as failed, so that no test is left out silently.
 */
import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';

import type { Reporter, TestCase, TestModule } from 'vitest/node';

/** Names the file that receives the sum. */
export const TALLY_VARIABLE = 'RUNNERWATCH_TALLY';

export interface Tally {
  readonly passed: number;
  readonly failed: number;
}

export class TallyReporter implements Reporter {
  #passed = 0;
  #failed = 0;

  onTestModuleEnd(module: TestModule): void {
    const cases = [...module.children.allTests()];
    const bad = cases.filter((test) => test.result().state !== 'passed');
    const broken = module.errors();
    this.#passed += cases.length - bad.length;
    this.#failed += bad.length + (broken.length > 0 || cases.length === 0 ? 1 : 0);
    const isGood = module.ok() && bad.length === 0 && cases.length > 0;
    const name = relative(process.cwd(), module.moduleId);
    const seconds = (module.diagnostic().duration / 1000).toFixed(1);
    print(`${isGood ? 'ok    ' : 'FAILED'} ${name} (${cases.length} tests, ${seconds} s)`);
    for (const { message, stack } of broken) print(`       ${stack ?? message}`);
    for (const test of bad) print(failureOf(test));
  }

  onTestRunEnd(_modules: readonly TestModule[], errors: readonly { message: string }[]): void {
    for (const { message } of errors) print(`FAILED outside of a test: ${message}`);
    const tally: Tally = { passed: this.#passed, failed: this.#failed + errors.length };
    const file = process.env[TALLY_VARIABLE];
    if (file !== undefined) writeFileSync(file, JSON.stringify(tally));
  }
}

function failureOf(test: TestCase): string {
  const { state, errors } = test.result();
  if (state !== 'failed') return `       ${test.fullName}: ${state}, which is not allowed`;
  const texts = errors.map(({ message, diff, stack }) =>
    [message, diff, stack].filter((text) => text !== undefined && text !== '').join('\n'),
  );
  return [`       ${test.fullName}`, ...texts].join('\n');
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
