/**
 * How does the way to a place end when it begins in a container? In a child in the network of the container, with the
 * container's own hosts and resolv.conf. Nothing of the container is executed.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Paths } from '../../core/paths.ts';
import { fileBeside } from '../../core/program-file.ts';
import type { Place } from '../../core/target.ts';
import { boundedChild } from '../../host/child-process.ts';
import type { WayEnd } from '../dial/reachability.ts';

export interface ContainerOrder {
  readonly place: Place;
  /** Where the files of the container are seen. */
  readonly root: string;
  /** For the name and for the connection together. */
  readonly seconds: number;
}

const CHILD = fileURLToPath(fileBeside(import.meta.url, 'container-child'));

export class ContainerWays {
  readonly #children = boundedChild();

  /** Undefined when nothing is known: no right to enter the network, or the container is gone. */
  async from(
    pid: number,
    { place, seconds }: Pick<ContainerOrder, 'place' | 'seconds'>,
    { procfs }: Paths,
    signal: AbortSignal,
  ): Promise<WayEnd | undefined> {
    const folder = join(procfs, String(pid));
    const order: ContainerOrder = { place, root: join(folder, 'root'), seconds };
    const script = [process.execPath, CHILD, JSON.stringify(order)];
    const args = [`--net=${join(folder, 'ns/net')}`, '--', ...script];
    const key = `${pid} ${place.host}:${place.port}`;
    const result = await this.#children.run(key, { program: 'nsenter', args }, { signal });
    if (result.kind !== 'ended' || result.code !== 0) return undefined;
    return JSON.parse(result.stdout) as WayEnd;
  }
}
