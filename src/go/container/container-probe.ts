/**
 * How does the way to a place end when it begins in a container? In a child in the network of the container, with the
 * container's own hosts and resolv.conf. Nothing of the container is executed.
 *
 * Promises: at most one child in flight for each container, its end never awaited past the deadline.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import type { Paths } from '../../core/paths.ts';
import type { Place } from '../../core/target.ts';
import type { WayEnd } from '../dial/reachability.ts';

export interface ContainerOrder {
  readonly place: Place;
  /** Where the files of the container are seen. */
  readonly root: string;
  /** For the name and for the connection together. */
  readonly seconds: number;
}

/** Source files are .ts, built ones .js; the child lies beside this file in both. */
const CHILD = fileURLToPath(
  new URL(
    import.meta.url.endsWith('.ts') ? './container-child.ts' : './container-child.js',
    import.meta.url,
  ),
);
const MOST_OUTPUT_BYTES = 16 * 1024;

export class ContainerWays {
  readonly #inFlight = new Set<number>();

  /** Undefined when nobody could look: no right to enter the network, or the container is gone. */
  async from(
    pid: number,
    { place, seconds }: Pick<ContainerOrder, 'place' | 'seconds'>,
    { procfs }: Paths,
    signal: AbortSignal,
  ): Promise<WayEnd | undefined> {
    // One that hangs on a file of the container may hang for long, and is not joined by others.
    if (this.#inFlight.has(pid)) return undefined;
    const folder = join(procfs, String(pid));
    const order: ContainerOrder = { place, root: join(folder, 'root'), seconds };
    const words = [`--net=${join(folder, 'ns/net')}`, '--', process.execPath, CHILD];
    const running = promisify(execFile)('nsenter', [...words, JSON.stringify(order)], {
      signal,
      killSignal: 'SIGKILL',
      maxBuffer: MOST_OUTPUT_BYTES,
      env: { PATH: process.env['PATH'] ?? '' },
    });
    this.#inFlight.add(pid);
    running.child.once('close', () => this.#inFlight.delete(pid));
    running.child.once('error', () => this.#inFlight.delete(pid));
    try {
      return JSON.parse((await running).stdout) as WayEnd;
    } catch {
      return undefined;
    }
  }
}
