/**
 * A description of this host for an incident (system, processor, memory, disks, interfaces), by systeminformation in a
 * child process, since it starts programs and reads files that may hang. The footer of the page uses only what Node
 * itself knows.
 */
import { arch, availableParallelism, cpus, release, totalmem, version } from 'node:os';

import { deadlineOf } from '../core/abort.ts';
import type { Paths } from '../core/paths.ts';
import { fileBeside } from '../core/program-file.ts';
import { boundedChild } from './child-process.ts';
import { parseMemory, readProc } from './proc/proc-files.ts';

/** A part is absent when its source failed or did not answer in time. */
export interface HostPicture {
  readonly system?: {
    readonly distribution: string;
    readonly kernel: string;
    readonly arch: string;
    readonly uefi: boolean;
  };
  readonly machine?: {
    readonly manufacturer: string;
    readonly model: string;
    readonly isVirtual: boolean;
    /** Empty on real hardware, and where it is not known. */
    readonly hypervisor: string;
  };
  readonly processor?: {
    readonly model: string;
    readonly cores: number;
    readonly physicalCores: number;
    /** 0 where the kernel does not report it. */
    readonly maxGigahertz: number;
    readonly governor: string;
  };
  readonly memory?: {
    readonly totalBytes: number;
    readonly availableBytes: number;
    readonly cacheBytes: number;
    readonly swapBytes: number;
    readonly swapUsedBytes: number;
  };
  readonly disks?: readonly {
    readonly name: string;
    readonly type: string;
    readonly fileSystem: string;
    readonly mountPoint: string;
    readonly sizeBytes: number;
    readonly technology: string;
    readonly model: string;
  }[];
  readonly interfaces?: readonly {
    readonly name: string;
    readonly state: string;
    readonly isDefault: boolean;
    readonly address4: string;
    readonly address6: string;
    readonly mtu: number;
    /** 0 where the driver does not report it. */
    readonly megabitsPerSecond: number;
    readonly carrierChanges: number;
  }[];
}

const CHILD = fileBeside(import.meta.url, 'picture-child');
const DEADLINE_SECONDS = 5;
const MAX_BYTES = 256 * 1024;
/** `hostname -f` of a host whose name servers are silent; its answer is not used. */
const SHORT_LOOKUPS = { RES_OPTIONS: 'timeout:1 attempts:1' };

const children = boundedChild();

/** The parts that were read in time, and before `stop` aborts; none when the child cannot be started. */
export async function readHostPicture(
  stop: AbortSignal,
  seconds = DEADLINE_SECONDS,
): Promise<HostPicture> {
  using deadline = deadlineOf(seconds, stop);
  const output: Buffer[] = [];
  await children.run(
    'picture',
    {
      program: process.execPath,
      args: [CHILD.pathname],
      env: SHORT_LOOKUPS,
      maxOutputBytes: MAX_BYTES,
      isBackground: true,
      startsOthers: true,
      onOutput: (chunk) => output.push(chunk),
    },
    { signal: deadline.signal },
  );
  // The text after the last line end is a part that was cut off.
  const lines = Buffer.concat(output).toString().split('\n').slice(0, -1);
  return Object.assign({}, ...lines.map((line) => JSON.parse(line) as HostPicture)) as HostPicture;
}

/** For the page: kernel, processor and memory, without a program or a wait. */
export async function hostFacts(paths: Paths): Promise<Readonly<Record<string, string | number>>> {
  const swap = parseMemory((await readProc(paths, 'meminfo')) ?? '').get('SwapTotal');
  return {
    kernel: release(),
    system: version(),
    architecture: arch(),
    processor: cpus()[0]?.model ?? '',
    cores: availableParallelism(),
    memory_bytes: totalmem(),
    ...(swap === undefined ? {} : { swap_bytes: swap }),
  };
}
