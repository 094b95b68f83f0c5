/**
 * Lints in a process of its own. Promises: at most one at a time, its end never awaited beyond the deadline, and
 * no word of what it was given stays anywhere.
 */
import type { ChildProcessByStdio } from 'node:child_process';
import { spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { constants, setPriority } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

import { deadlineOf, withSignal } from '../core/abort.ts';
import type { LintReport } from '../core/lint.ts';
import type { LintRequest } from './host-context.ts';

/** Source files are .ts, built ones .js; the child lies beside this file in both. */
const CHILD = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './child.ts' : './child.js', import.meta.url),
);
const SECONDS = 15;

type Child = ChildProcessByStdio<Writable, Readable, null>;

export class LintProcess {
  #current: Child | undefined;
  readonly #stop = new AbortController();

  /** `undefined` when one is still at work, or the answer did not come. */
  async lint(order: LintRequest): Promise<LintReport | undefined> {
    if (this.#current !== undefined) return undefined;
    using deadline = deadlineOf(SECONDS, this.#stop.signal);
    const child = this.#start();
    this.#current = child;
    child.stdin.end(JSON.stringify(order));
    try {
      const answer = await withSignal(text(child.stdout), deadline.signal);
      // It has said everything; only one that was killed may go on hanging.
      this.#forget(child);
      return answer === '' ? undefined : (JSON.parse(answer) as LintReport);
    } catch {
      child.kill('SIGKILL');
      return undefined;
    }
  }

  stop(): void {
    this.#stop.abort(new Error('runnerwatch is stopping'));
  }

  #forget(child: Child): void {
    if (this.#current === child) this.#current = undefined;
  }

  #start(): Child {
    const child = spawn(process.execPath, [CHILD], {
      stdio: ['pipe', 'pipe', 'ignore'],
      env: { PATH: process.env['PATH'] ?? '' },
    });
    child.once('close', () => this.#forget(child));
    child.once('error', () => this.#forget(child));
    child.stdin.on('error', () => {});
    giveWay(child.pid);
    // One that hangs must not keep the daemon from ending.
    child.unref();
    for (const pipe of [child.stdin, child.stdout]) if (pipe instanceof Socket) pipe.unref();
    return child;
  }
}

/** Jobs and probes come first: nobody waits for this answer. */
function giveWay(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // It has ended already, or the host does not allow it.
  }
}
