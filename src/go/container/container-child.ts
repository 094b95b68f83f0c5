/**
 * The child process that checks reachability from a container: it runs in the network namespace of the container,
 * resolves the name and dials. Files of the container are read with care, because a job may have replaced them.
 */
import { constants, open } from 'node:fs/promises';

import { deadlineOf } from '../../core/abort.ts';
import { systemClock } from '../../core/clock.ts';
import type { ContainerRequest } from './container-probe.ts';
import { inRoot } from '../../host/fs/in-root.ts';
import { checkReachability } from '../dial/reachability.ts';

const MAX_BYTES = 64 * 1024;

const { destination, root, seconds } = JSON.parse(process.argv[2] ?? '') as ContainerRequest;
using deadline = deadlineOf(seconds, new AbortController().signal);
const end = await checkReachability(destination, {
  paths: { rootfs: root, procfs: '/proc', sysfs: '/sys' },
  clock: systemClock,
  signal: deadline.signal,
  timeoutSeconds: seconds,
  read,
});
process.stdout.write(JSON.stringify(end), () => process.exit());

/** A pipe or a device in its place is nothing, and neither is what is much too long. */
async function read(path: string): Promise<string | undefined> {
  try {
    await using file = await inRoot(
      { rootfs: root, container: root },
      path,
      async (seenPath) => await open(seenPath, constants.O_RDONLY | constants.O_NONBLOCK),
    );
    const info = await file.stat();
    if (!info.isFile() || info.size > MAX_BYTES) return undefined;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_BYTES), 0, MAX_BYTES, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } catch {
    return undefined;
  }
}
