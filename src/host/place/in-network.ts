/** A command in the network of a process, for a shell on the host. */
import { quoteArgument } from '../../core/shell.ts';

/** `pid`: its number, or what a shell on the host finds it by; undefined for one in the network of the host. */
export function commandIn(pid: number | string | undefined, command: string): string {
  return pid === undefined
    ? command
    : `sudo nsenter --target ${pid} --net sh -c ${quoteArgument(command)}`;
}
