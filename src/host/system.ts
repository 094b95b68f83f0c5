/**
 * What kind of host is this? For the page and the report, asked once at start. The only user of
 * systeminformation, and only of `mem()`, which was seen to read files and nothing else; its `osInfo()` and
 * `cpu()` start programs, so Node's own words serve there.
 */
import { arch, availableParallelism, cpus, release, version } from 'node:os';

import { mem } from 'systeminformation';

/** Kernel, processor and memory; what the host does not say is left out. */
export async function hostFacts(): Promise<Readonly<Record<string, string | number>>> {
  const memory = await mem().catch(() => undefined);
  return {
    kernel: release(),
    system: version(),
    architecture: arch(),
    processor: cpus()[0]?.model ?? '',
    cores: availableParallelism(),
    ...(memory === undefined ? {} : { memory_bytes: memory.total, swap_bytes: memory.swaptotal }),
  };
}
