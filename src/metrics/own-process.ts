/** The cost of runnerwatch itself, under the names that Prometheus clients use. Read at each render. */
import { performance } from 'node:perf_hooks';

import type { Family } from './family.ts';

const bare = (value: number) => [{ labels: {}, value }];

/** Names without the prefix of runnerwatch. */
export const OWN_PROCESS_FAMILIES: readonly Family[] = [
  {
    name: 'process_cpu_seconds_total',
    kind: 'counter',
    help: 'User and system CPU time of runnerwatch.',
    labels: [],
    samples: () => {
      const { user, system } = process.cpuUsage();
      return bare((user + system) / 1e6);
    },
  },
  {
    name: 'process_resident_memory_bytes',
    kind: 'gauge',
    help: 'Resident memory of runnerwatch.',
    labels: [],
    samples: () => bare(process.memoryUsage.rss()),
  },
  {
    name: 'process_start_time_seconds',
    kind: 'gauge',
    help: 'Start time of runnerwatch.',
    labels: [],
    samples: () => bare(Math.round(performance.timeOrigin) / 1000),
  },
  {
    name: 'nodejs_heap_used_bytes',
    kind: 'gauge',
    help: 'Heap in use by runnerwatch.',
    labels: [],
    samples: () => bare(process.memoryUsage().heapUsed),
  },
  {
    name: 'nodejs_eventloop_utilization_ratio',
    kind: 'gauge',
    help: 'Share of the time since start in which the event loop of runnerwatch was busy.',
    labels: [],
    samples: () => bare(performance.eventLoopUtilization().utilization),
  },
];
