/**
 * Lints in a process of its own. Promises: at most one at a time, its end never awaited beyond the deadline, and
 * no word of what it was given stays anywhere.
 */
import type { ChildProcessByStdio } from 'node:child_process';
import { spawn } from 'node:child_process';
import { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';

import { deadlineOf, withSignal } from '../core/abort.ts';
import type { LintReport } from '../core/lint.ts';
import type { LintOrder } from './order.ts';

/** Source files are .ts, built ones .js; the child lies beside this file in both. */
const CHILD = new URL(
  import.meta.url.endsWith('.ts') ? './child.ts' : './child.js',
  import.meta.url,
);
const SECONDS = 15;

export class LintProcess {
  #isBusy = false;
  readonly #stop = new AbortController();

  /** `undefined` when one is still at work, or the answer did not come. */
  async lint(order: LintOrder): Promise<LintReport | undefined> {
    if (this.#isBusy) return undefined;
    this.#isBusy = true;
    using deadline = deadlineOf(SECONDS, this.#stop.signal);
    const child = this.#start();
    child.stdin.end(JSON.stringify(order));
    try {
      const answer = await withSignal(text(child.stdout), deadline.signal);
      return answer === '' ? undefined : (JSON.parse(answer) as LintReport);
    } catch {
      child.kill('SIGKILL');
      return undefined;
    }
  }

  stop(): void {
    this.#stop.abort(new Error('runnerwatch is stopping'));
  }

  #start(): ChildProcessByStdio<Writable, Readable, null> {
    const child = spawn(process.execPath, [CHILD.pathname], {
      stdio: ['pipe', 'pipe', 'ignore'],
      env: { PATH: process.env['PATH'] ?? '' },
    });
    const free = (): void => void (this.#isBusy = false);
    child.once('close', free);
    child.once('error', free);
    child.stdin.on('error', () => {});
    // One that hangs must not keep the daemon from ending.
    child.unref();
    for (const pipe of [child.stdin, child.stdout]) if (pipe instanceof Socket) pipe.unref();
    return child;
  }
}
