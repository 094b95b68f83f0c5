/** A command in the network of a process, for a shell on the host. */
import type { Network } from '../../core/paths.ts';
import { quoteArgument } from '../../core/shell.ts';

export function commandIn(network: Network | undefined, command: string): string {
  return network === undefined
    ? command
    : `sudo nsenter --target ${network.pid} --net sh -c ${quoteArgument(command)}`;
}
