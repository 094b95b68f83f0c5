/** The findings of a text, as a command reports them. */
import type { LintReport } from '../../src/core/lint.ts';
import type { LintContext } from '../../src/lint/context.ts';
import { prepare, reportOf } from '../../src/lint/lint.ts';

export function lintText(
  content: string | Uint8Array,
  file: string,
  context: LintContext,
): LintReport {
  return reportOf(prepare(content, file), context);
}
