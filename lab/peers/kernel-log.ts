/**
 * The kernel's log as the runner's host reads it. The real log has the victim's pid outside of the lab's PID
 * namespace; the host sees the same line with the pid of its own /proc.
 */
import { constants, open } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

import type { World } from '../world.ts';

const RECORD_BYTES = 16 * 1024;
const PAUSE_MILLISECONDS = 100;
const KILLED = /^\d+,\d+,\d+,[^;]*;Memory cgroup out of memory: Killed process (?<pid>\d+) \(/;

/** Gets the runner killed, waits for the kernel's log line about it, and shows the line to the host. */
export async function killedForMemory(world: World, provoke: () => void): Promise<void> {
  const { runner, files } = world;
  const pid = runner.pid();
  // At its end: what was written before is of other rows.
  const log = await open('/dev/kmsg', constants.O_RDONLY | constants.O_NONBLOCK);
  const buffer = Buffer.alloc(RECORD_BYTES);
  const next = async (): Promise<string | undefined> =>
    await log.read(buffer, 0, RECORD_BYTES).then(
      ({ bytesRead }) => buffer.toString('utf8', 0, bytesRead),
      (error: NodeJS.ErrnoException) => (error.code === 'EAGAIN' ? undefined : ''),
    );
  try {
    while ((await next()) !== undefined);
    provoke();
    for (;;) {
      const record = await next();
      const outside = KILLED.exec(record ?? '')?.groups?.['pid'];
      if (outside !== undefined && record?.includes('(gitlab-runner)') === true) {
        await files.write('/dev/kmsg', record.replace(`process ${outside} `, `process ${pid} `));
        return;
      }
      if (record === undefined) await delay(PAUSE_MILLISECONDS);
    }
  } finally {
    await log.close();
  }
}
