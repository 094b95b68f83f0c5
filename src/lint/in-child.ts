/** Lints in a child process. Nothing of a request is kept afterwards. */
import { fileURLToPath } from 'node:url';

import { deadlineOf } from '../core/abort.ts';
import type { LintReport } from '../core/lint.ts';
import { fileBeside } from '../core/program-file.ts';
import { boundedChild } from '../host/child-process.ts';
import type { LintRequest } from './host-context.ts';

const CHILD = fileURLToPath(fileBeside(import.meta.url, 'child'));
const SECONDS = 15;
const MAX_REPORT_BYTES = 16 * 1024 * 1024;

export class LintProcess {
  readonly #child = boundedChild();
  readonly #stop = new AbortController();

  /** `undefined` when the answer did not come. */
  async lint(request: LintRequest): Promise<LintReport | undefined> {
    using deadline = deadlineOf(SECONDS, this.#stop.signal);
    const command = {
      program: process.execPath,
      args: [CHILD],
      input: JSON.stringify(request),
      maxOutputBytes: MAX_REPORT_BYTES,
      isBackground: true,
    };
    const result = await this.#child.run('lint', command, deadline);
    if (result.kind !== 'ended' || result.code !== 0) return undefined;
    return JSON.parse(result.stdout) as LintReport;
  }

  stop(): void {
    this.#stop.abort(new Error('runnerwatch is stopping'));
  }
}
