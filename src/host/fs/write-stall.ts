/** Do writes to a file system hang, though it still answers? Nothing is written to find out. */
import type { Clock } from '../../core/clock.ts';
import type { Paths } from '../../core/paths.ts';
import { DeviceWatch } from './stalled-device.ts';
import { StuckCalls } from '../proc/stuck-calls.ts';

export class WriteWatch {
  readonly #devices = new DeviceWatch();
  readonly #calls = new StuckCalls();

  /** What hangs, as a sentence; `who` is the file system, `device` is `8:1`. */
  async check(
    who: string,
    device: string,
    { clock, paths }: { readonly clock: Clock; readonly paths: Paths },
  ): Promise<string | undefined> {
    const stall = await this.#devices.check(device, clock, paths);
    if (stall !== undefined) {
      const { requests, seconds, waitingTasks } = stall;
      return `${requests} requests to ${who} have been pending for ${Math.round(seconds)} s, and ${waitingTasks} tasks wait (state D)`;
    }
    const call = await this.#calls.find(device, clock, paths);
    if (call === undefined) return undefined;
    const { pid, name, seconds } = call;
    return `process ${pid} (${name}) has been blocked for ${Math.round(seconds)} s in an uninterruptible call to ${who} (state D)`;
  }
}
