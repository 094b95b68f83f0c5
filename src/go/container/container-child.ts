/**
 * The child that looks from a container: started in its network, it asks its name servers and dials. What the container
 * has as its files is read with care, since whoever runs jobs there may put anything in their place.
 */
import { constants, open } from 'node:fs/promises';
import { join } from 'node:path';

import { deadlineOf } from '../../core/abort.ts';
import { systemClock } from '../../core/clock.ts';
import type { ContainerRequest } from './container-probe.ts';
import { checkReachability } from '../dial/reachability.ts';

const MAX_BYTES = 64 * 1024;

const { place, root, seconds } = JSON.parse(process.argv[2] ?? '') as ContainerRequest;
using deadline = deadlineOf(seconds, new AbortController().signal);
const end = await checkReachability(place, {
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
    await using file = await open(join(root, path), constants.O_RDONLY | constants.O_NONBLOCK);
    const info = await file.stat();
    if (!info.isFile() || info.size > MAX_BYTES) return undefined;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_BYTES), 0, MAX_BYTES, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } catch {
    return undefined;
  }
}
