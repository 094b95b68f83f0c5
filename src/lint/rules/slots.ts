/** How many requests and jobs at once: `concurrent`, `limit`, `request_concurrency`, and what the host can run. */
import { LOCAL_DOCKER_EXECUTORS } from '../../config/runner/executors.ts';
import type { ParsedConfig, Section } from '../parsed-config.ts';
import { isFlagOn } from '../parsed-config.ts';
import type { Rule } from '../rule.ts';
import { perEntry, perEntryOf } from '../rule.ts';
import { bytesOf, cpusOf, entryAt, wholeAt } from '../values.ts';
import { atTable, atValue } from '../violation.ts';

const MIN_ADVISED = 2;
const MAX_ADVISED = 4;

function requests({ table }: Section): number {
  return Math.max(1, wholeAt(table, 'request_concurrency')?.value ?? 1);
}

/** `concurrent` as it is written: an absent or wrong value has a rule of its own. */
function concurrentOf({ root }: ParsedConfig): number | undefined {
  return wholeAt(root, 'concurrent')?.value;
}

/** Jobs that an entry may run at once. */
function jobsOf({ table }: Section, { concurrent }: ParsedConfig): number {
  const limit = wholeAt(table, 'limit')?.value ?? 0;
  return limit > 0 ? Math.min(limit, concurrent) : concurrent;
}

export const SLOT_RULES: readonly Rule[] = [
  {
    code: 'G03',
    name: 'fewer-slots-than-entries',
    severity: 'warning',
    title: '`concurrent` is below the number of entries',
    consequence:
      'While GitLab holds the request of one entry open, the others cannot ask; their jobs wait up to a minute.',
    fix: 'Set `concurrent` above the number of [[runners]].',
    check: ({ root, concurrent, sections }) => {
      const isOdd =
        entryAt(root, 'concurrent') !== undefined && wholeAt(root, 'concurrent') === undefined;
      if (isOdd || concurrent < 1 || concurrent >= sections.length) return [];
      const found = wholeAt(root, 'concurrent');
      const message = `concurrent is ${concurrent}, and there are ${sections.length} entries`;
      const more = { key: 'concurrent', corrected: `concurrent = ${sections.length + 1}` };
      return [found === undefined ? { message, ...more } : atValue(found.entry, message, more)];
    },
  },
  {
    code: 'G04',
    name: 'limit-out-of-reach',
    severity: 'warning',
    title: '`limit` is above `concurrent`',
    consequence: 'The entry never runs this many jobs at once.',
    fix: 'Raise `concurrent`, or lower `limit`.',
    check: perEntry(({ table }, _context, config) => {
      const found = wholeAt(table, 'limit');
      const concurrent = concurrentOf(config);
      if (found === undefined || concurrent === undefined) return [];
      if (found.value <= Math.max(1, concurrent)) return [];
      return [
        atValue(found.entry, `limit is ${found.value}, and concurrent is ${concurrent}`, {
          key: 'runners.limit',
          corrected: `concurrent = ${found.value}`,
        }),
      ];
    }),
  },
  {
    code: 'G05',
    name: 'one-request-at-a-time',
    severity: 'info',
    title: '`request_concurrency` is 1',
    consequence:
      'The runner logs a warning about long polling at every load; jobs wait only where GitLab holds requests open while the entry is busy.',
    fix: 'Set `request_concurrency` to 2, 3 or 4.',
    check: perEntry((section) => {
      const found = wholeAt(section.table, 'request_concurrency');
      if (requests(section) > 1) return [];
      const more = { key: 'runners.request_concurrency', corrected: 'request_concurrency = 2' };
      const message = `request_concurrency of ${section.label} is 1`;
      return [
        found === undefined
          ? atTable(section.table, message, more)
          : atValue(found.entry, message, more),
      ];
    }),
  },
  {
    code: 'G06',
    name: 'small-limit-one-request',
    severity: 'warning',
    title: '`limit` is 1 or 2, and `request_concurrency` is 1',
    consequence: 'While GitLab holds the only request open, a free slot gets no job.',
    fix: 'Set `request_concurrency` to 2, or raise `limit`.',
    check: perEntry((section) => {
      const found = wholeAt(section.table, 'limit');
      if (found === undefined || found.value < 1 || found.value > 2 || requests(section) > 1)
        return [];
      return [
        atValue(found.entry, `limit is ${found.value}, and request_concurrency is 1`, {
          key: 'runners.limit',
          corrected: 'request_concurrency = 2',
        }),
      ];
    }),
  },
  {
    code: 'G07',
    name: 'more-requests-than-jobs',
    severity: 'warning',
    title: '`request_concurrency` is above `limit` or `concurrent`',
    consequence: 'The additional requests can return no job, and put load on GitLab.',
    fix: 'Lower it to `limit` or `concurrent`.',
    check: perEntry((section, _context, config) => {
      const found = wholeAt(section.table, 'request_concurrency');
      const limit = wholeAt(section.table, 'limit')?.value ?? 0;
      const caps = [
        concurrentOf(config) ?? Number.POSITIVE_INFINITY,
        limit > 0 ? limit : Number.POSITIVE_INFINITY,
      ];
      const most = Math.max(1, Math.min(...caps));
      // Two requests are advised even where one job runs at once.
      if (found === undefined || found.value <= Math.max(most, MIN_ADVISED)) return [];
      return [
        atValue(
          found.entry,
          `request_concurrency is ${found.value}, and at most ${most} jobs run at once`,
          {
            key: 'runners.request_concurrency',
            corrected: `request_concurrency = ${most}`,
          },
        ),
      ];
    }),
  },
  {
    code: 'G08',
    name: 'many-requests-always',
    severity: 'warning',
    title: '`request_concurrency` is above 4, and adaptive concurrency is off',
    consequence: 'The entry keeps this many requests to GitLab open, even when there are no jobs.',
    fix: 'Remove FF_USE_ADAPTIVE_REQUEST_CONCURRENCY = false, or set `request_concurrency` to 4 or less.',
    check: perEntry((section) => {
      const found = wholeAt(section.table, 'request_concurrency');
      const adapts = isFlagOn(section, 'FF_USE_ADAPTIVE_REQUEST_CONCURRENCY', true);
      if (found === undefined || adapts || found.value <= MAX_ADVISED) return [];
      return [
        atValue(
          found.entry,
          `request_concurrency is ${found.value}, and all these requests are always open`,
          {
            key: 'runners.request_concurrency',
            corrected: `request_concurrency = ${MAX_ADVISED}`,
          },
        ),
      ];
    }),
  },
  {
    code: 'H01',
    name: 'more-memory-than-there-is',
    severity: 'warning',
    title: 'All jobs together may use more memory than the host has',
    consequence:
      'When all run at once, the kernel kills one of them, or the runner (out of memory).',
    fix: 'Lower `concurrent`, `limit` or `memory`.',
    needs: ['host'],
    check: perEntryOf(LOCAL_DOCKER_EXECUTORS, (section, { host }, config) => {
      const found = bytesOf(section.table, 'docker', 'memory');
      const jobs = jobsOf(section, config);
      if (host === undefined || found === undefined || found.value * jobs <= host.memoryBytes)
        return [];
      const all = `${jobs} jobs of ${gib(found.value)} need ${gib(found.value * jobs)}, and the host has ${gib(host.memoryBytes)}`;
      return [atValue(found.entry, all, { key: 'runners.docker.memory' })];
    }),
  },
  {
    code: 'H02',
    name: 'more-processors-than-there-are',
    severity: 'info',
    title: 'All jobs together may use more CPUs than the host has',
    consequence:
      'When all run at once, each gets less than its `cpus`, and the requests of the runner may be late.',
    fix: 'Lower `concurrent`, `limit` or `cpus`.',
    needs: ['host'],
    check: perEntryOf(LOCAL_DOCKER_EXECUTORS, (section, { host }, config) => {
      const found = cpusOf(section.table, 'docker', 'cpus');
      const jobs = jobsOf(section, config);
      if (host === undefined || found === undefined || found.value * jobs <= host.cores) return [];
      return [
        atValue(
          found.entry,
          `${jobs} jobs of ${found.value} CPUs need ${found.value * jobs}, and the host has ${host.cores}`,
          { key: 'runners.docker.cpus' },
        ),
      ];
    }),
  },
];

function gib(bytes: number): string {
  return `${Number((bytes / 2 ** 30).toFixed(1))} GiB`;
}
