/**
 * Does a container reach a host and port? The check runs in a child process in the network namespace of the container, with the
 * container's own hosts and resolv.conf. Nothing of the container is executed.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Paths } from '../../core/paths.ts';
import { fileBeside } from '../../core/program-file.ts';
import type { HostPort } from '../../core/target.ts';
import { boundedChild } from '../../host/child-process.ts';
import type { Reachability } from '../dial/reachability.ts';

export interface ContainerRequest {
  readonly destination: HostPort;
  /** Where the files of the container are seen. */
  readonly root: string;
  /** For the name and for the connection together. */
  readonly seconds: number;
}

const CHILD = fileURLToPath(fileBeside(import.meta.url, 'container-child'));

export class ContainerProbe {
  readonly #children = boundedChild();

  /** Undefined when nothing is known: no right to enter the network, or the container is gone. */
  async checkFrom(
    pid: number,
    { destination, seconds }: Pick<ContainerRequest, 'destination' | 'seconds'>,
    { procfs }: Paths,
    signal: AbortSignal,
  ): Promise<Reachability | undefined> {
    const folder = join(procfs, String(pid));
    const request: ContainerRequest = { destination, root: join(folder, 'root'), seconds };
    const script = [process.execPath, CHILD, JSON.stringify(request)];
    const args = [`--net=${join(folder, 'ns/net')}`, '--', ...script];
    const key = `${pid} ${destination.host}:${destination.port}`;
    const result = await this.#children.run(key, { program: 'nsenter', args }, { signal });
    if (result.kind !== 'ended' || result.code !== 0) return undefined;
    return JSON.parse(result.stdout) as Reachability;
  }
}
