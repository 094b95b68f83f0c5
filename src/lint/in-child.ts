/** Lints in a child process. Nothing of a request is kept afterwards. */
import { fileURLToPath } from 'node:url';

import { deadlineOf } from '../core/abort.ts';
import type { LintReport } from '../core/lint.ts';
import { fileBeside } from '../core/program-file.ts';
import { boundedChild } from '../host/child-process.ts';
import type { LintRequest } from './host-context.ts';
import { ANSWER_END } from './host-context.ts';

const CHILD = fileURLToPath(fileBeside(import.meta.url, 'child'));
const SECONDS = 15;
/** A child that is not held ends at once after its answer. */
const END_SECONDS = 1;
const MAX_REPORT_BYTES = 16 * 1024 * 1024;

export class LintProcess {
  readonly #child = boundedChild();
  readonly #stop = new AbortController();

  /**
   * `undefined` when the answer did not come. A child that a file holds does not end after its answer; while one is
   * held, the next one is to leave the files alone. In the background it leaves the processor to jobs and probes.
   */
  async lint(request: LintRequest, isBackground: boolean): Promise<LintReport | undefined> {
    const isHeld = this.#child.inFlight() > 0;
    const held = new AbortController();
    let patience: NodeJS.Timeout | undefined;
    using deadline = deadlineOf(SECONDS, AbortSignal.any([this.#stop.signal, held.signal]));
    const answer: Buffer[] = [];
    await this.#child.run(
      isHeld ? 'without files' : 'with files',
      {
        program: process.execPath,
        args: [CHILD],
        input: JSON.stringify(isHeld ? { ...request, withoutFiles: true } : request),
        maxOutputBytes: MAX_REPORT_BYTES,
        isBackground,
        onOutput: (chunk) => {
          answer.push(chunk);
          if (!isComplete(chunk)) return;
          patience = setTimeout(() => held.abort(), END_SECONDS * 1000);
        },
      },
      deadline,
    );
    clearTimeout(patience);
    const last = answer.at(-1);
    if (last === undefined || !isComplete(last)) return undefined;
    return JSON.parse(Buffer.concat(answer).toString()) as LintReport;
  }

  stop(): void {
    this.#stop.abort(new Error('runnerwatch is stopping'));
  }
}

function isComplete(chunk: Buffer): boolean {
  return chunk.subarray(-1).toString() === ANSWER_END;
}
