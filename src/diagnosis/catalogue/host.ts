/** Causes in the host's resources, its clock, and in runnerwatch itself. */
import type { CauseContext, CauseSpec } from '../cause-spec.ts';
import { step } from '../../core/diagnosis.ts';
import {
  CHECK_AS_ROOT,
  EDIT_OWN_SERVICE,
  RESTART_OWN_SERVICE,
  SHOW_OWN_RIGHTS,
} from '../../core/own-service.ts';
import { isBelow } from '../../core/paths.ts';
import { AT_ONCE, family, onHost, ownEngine } from '../cause-spec.ts';

const mountCause = family({
  severity: 'critical',
  scope: 'mount',
  resolvedWhen: 'the disk check passes again',
});
const hostCause = family({
  severity: 'warning',
  scope: 'host',
  resolvedWhen: 'the check passes again',
});

/** Its roles are who writes there, where no path is known. */
const writersOf = (c: CauseContext) => {
  const roles = c.fact('roles');
  return `${roles} ${roles.startsWith('jobs of ') ? 'write' : 'writes'}`;
};

/** The runner's own words do not always have a path. */
const fileSystem = (c: CauseContext) => {
  const path = c.optional('path');
  return path === undefined
    ? `a file system that ${writersOf(c)} to`
    : `${path} (${c.fact('roles')})`;
};
const biggest = (c: CauseContext) => {
  const path = c.optional('path');
  return path === undefined
    ? step('Find the file system that is full.', 'df -h; df -i')
    : step(
        'Check what uses the space.',
        `sudo du -xh --max-depth=2 ${onHost(c, path)} | sort -h | tail`,
      );
};
/** Only where the entries use one. */
const prune = (c: CauseContext) => {
  const engine = ownEngine(c);
  if (engine === undefined) return [];
  return [step(`Remove what ${engine.name} no longer uses.`, engine.client('system prune'))];
};
/**
 * Jobs fetch them again; other files of a builds folder may be of someone. Not through the root of a process, where a link of a
 * container leads elsewhere.
 */
const removeWorkingCopies = (c: CauseContext) => {
  const named = c.optional('working_copies')?.split(', ') ?? [];
  const folders = named.filter((folder) => !isBelow(c.place.hostPath(folder), '/proc'));
  if (folders.length === 0) return [];
  return [
    step(
      'While no job runs, remove the working copies; the next jobs fetch them again.',
      `sudo rm -rf ${folders.map((folder) => onHost(c, folder)).join(' ')}`,
    ),
  ];
};
/** What its container lacks is known by who has started it. */
const START_ANEW = [
  step(
    'Start the container of runnerwatch anew with what it lacks: the processes of the runner by --pid, its network by --network, its control groups by -v /sys/fs/cgroup:/sys/fs/cgroup:ro and --cgroupns host, its rights by --cap-add SYS_PTRACE and --cap-add SYS_ADMIN, root by --user 0.',
  ),
];
/** Only where the logs lie there. */
const logs = (c: CauseContext) =>
  isBelow('/var/log', c.optional('path') ?? '/')
    ? [step('Shorten the logs.', c.place.host.shrinkLogs)]
    : [];

const remount = (c: CauseContext) => {
  const path = c.optional('path');
  return path === undefined
    ? step('Find the file systems that are read-only.', 'findmnt -O ro -t nosquashfs')
    : step(
        'After a file system check, mount it writable again.',
        `sudo mount -o remount,rw "$(findmnt -no TARGET -T ${onHost(c, path)})"`,
      );
};

export const HOST_CAUSES: readonly CauseSpec[] = [
  mountCause({
    id: 'disk-read-only',
    stopsJobs: false,
    title: 'A file system that the runner writes to is read-only',
    meaning:
      'The kernel remounted it after I/O errors, or an administrator did: jobs cannot write, and the runner cannot renew its token.',
    evidence:
      'The mount option ro on a file system that the runner must write to, or that was writable before or is in /etc/fstab. Entries whose jobs begin there can run none.',
    notConfusedWith: ['disk-space-exhausted'],
    from: ['disk/read-only'],
    breaks: true,
    says: (c) => `${fileSystem(c)} is read-only`,
    fix: (c) => [
      step('Find the reason in the kernel log.', 'sudo dmesg | grep -i -e error -e remount | tail'),
      remount(c),
    ],
  }),
  mountCause({
    id: 'io-stalled',
    title: 'A file system that the runner uses does not respond',
    meaning:
      'Every process that accesses it hangs: a network file system whose server is down, or storage that does not respond.',
    evidence:
      'A call that does not return before the timeout, an error about a dead connection, pending writes of which none completes while tasks wait for them, or a process that hangs in a call to it.',
    notConfusedWith: ['cpu-starved', 'disk-space-exhausted'],
    from: ['disk/hung', 'disk/dead', 'disk/write-stall'],
    breaks: true,
    says: (c) =>
      `${c.fact('path')} (${c.fact('roles')}) does not respond, or does not complete a write`,
    fix: (c) => [
      step(
        'Show the mount and the processes that hang.',
        `sudo findmnt -T ${onHost(c, c.fact('path'))}; ps -eo pid,stat,wchan:20,cmd | awk '$2 ~ /D/'`,
      ),
      ...(c.fact('path') === '/'
        ? []
        : [
            step(
              'Start its server again, or detach the mount.',
              `sudo umount -l ${onHost(c, c.fact('path'))}`,
            ),
          ]),
      step(
        'If a backup froze the file system and did not thaw it:',
        `sudo fsfreeze -u ${onHost(c, c.fact('path'))}`,
      ),
    ],
    suppresses: ['runner-hung'],
  }),
  mountCause({
    id: 'disk-space-exhausted',
    stopsJobs: false,
    severity: 'warning',
    title: 'A file system that the runner writes to is full or nearly full',
    meaning:
      'No space is left for ordinary users; jobs fail, and the runner may lose a renewed token because it cannot write config.toml.',
    evidence:
      'Free space for ordinary users below 1 % or 200 MiB. Below 1 MiB, entries whose jobs begin there can run none. Below 5 %, or full within an hour at the current rate, is a notice.',
    notConfusedWith: ['disk-inodes-exhausted'],
    from: ['disk/full', 'disk/nearly-full', 'disk/filling'],
    warnSeverity: 'notice',
    says: (c) => `${fileSystem(c)} is ${c.fact('fullness')}`,
    fix: (c) => [biggest(c), ...removeWorkingCopies(c), ...prune(c), ...logs(c)],
    suppresses: ['docker-daemon-down', 'docker-not-responding'],
  }),
  mountCause({
    id: 'disk-inodes-exhausted',
    severity: 'warning',
    title: 'A file system that the runner writes to has no or few free inodes',
    meaning: 'There is free space, but no new file can be created: there are too many small files.',
    evidence:
      'Free inodes below 1 %. With fewer than 10, entries whose jobs begin there can run none. Below 5 % is a notice.',
    notConfusedWith: ['disk-space-exhausted'],
    from: ['disk/inodes-exhausted', 'disk/inodes-low'],
    warnSeverity: 'notice',
    says: (c) =>
      `${c.fact('path')} (${c.fact('roles')}) is ${c.fact('fullness')}: too many small files`,
    fix: (c) => [
      step(
        'Find the directories with many files.',
        `sudo du --inodes -x --max-depth=2 ${onHost(c, c.fact('path'))} | sort -n | tail`,
      ),
      ...removeWorkingCopies(c),
      ...prune(c),
    ],
  }),
  hostCause({
    id: 'memory-pressure',
    stopsJobs: false,
    title: 'The host is short of memory',
    meaning:
      'Little memory is available, and tasks wait for memory or swap: everything on the host is slow.',
    evidence:
      'Available memory below 5 % with memory pressure or swapping. Without them it is a notice.',
    notConfusedWith: ['memory-oom-killed'],
    from: ['memory/pressure', 'memory/low'],
    warnSeverity: 'notice',
    says: () => 'this host is short of memory',
    fix: (c) => [
      step('Find the processes that use the most memory.', 'ps -eo rss,pid,cmd --sort=-rss | head'),
      step(`Run fewer jobs at once (concurrent in ${c.config}), or limit their memory.`),
    ],
    suppresses: ['cpu-starved', 'gitlab-slow'],
  }),
  hostCause({
    id: 'cpu-starved',
    title: 'The runner does not get enough CPU time',
    meaning:
      'Tasks wait for a CPU most of the time; the runner polls late and its TLS handshakes time out.',
    evidence:
      "CPU pressure above 60 % for minutes, and the runner's own tasks wait for a CPU for seconds in each minute.",
    notConfusedWith: ['gitlab-slow'],
    from: ['cpu/starved'],
    says: () => 'the runner is late: its tasks wait for a CPU for seconds in each minute',
    fix: (c) => [
      step(
        'Find the processes that use the most CPU time.',
        'ps -eo pcpu,pid,cmd --sort=-pcpu | head',
      ),
      step(`Lower concurrent in ${c.config}, or give the host more CPUs.`),
    ],
    confirm: { results: 5, seconds: 120 },
    suppresses: ['gitlab-slow'],
  }),
  hostCause({
    id: 'clock-skew',
    severity: 'notice',
    title: "This host's clock is wrong",
    meaning:
      "The clock differs from GitLab's by more than a minute, so certificates and tokens are checked against a wrong time. If a valid one is rejected because of that, it is critical.",
    evidence: "The Date header of GitLab's responses, several times in a row.",
    notConfusedWith: ['tls-certificate-expired', 'tls-certificate-not-yet-valid', 'token-expired'],
    changedBy: ['clock'],
    from: [],
    says: (c) => `this host's clock differs from GitLab's by ${c.fact('skew')} s`,
    fix: (c) => [
      step('Show the clock and its synchronisation.', c.place.host.showClock),
      step('Turn on time synchronisation.', c.place.host.setClock),
    ],
    resolvedWhen: 'the clocks agree within a minute',
  }),
  hostCause({
    id: 'monitor-blind',
    severity: 'notice',
    scope: 'monitor',
    title: 'runnerwatch has no permission to read what it needs',
    meaning:
      'runnerwatch runs as a user that may not read a file or open a socket that it needs, so part of the state is unknown.',
    evidence:
      'What could not be read, one sentence each: permission denied (EACCES), or hidden by /proc.',
    notConfusedWith: ['config-unreadable', 'runner-not-installed'],
    from: [
      'config/unreadable',
      'service/blind',
      'runner-log/not-allowed',
      'limits/blind',
      'executor/blind',
    ],
    says: (c) =>
      `runnerwatch cannot read all that it needs on this host: ${c.optional('hidden') ?? 'see the evidence'}`,
    fix: (c) =>
      c.place.isWatchedFromContainer === true
        ? START_ANEW
        : [
            step('Run the checks as root, which may read it.', CHECK_AS_ROOT),
            step(
              'If root reads it and the service does not, compare the rights of the service: its unit file runs it as root, with all capabilities.',
              SHOW_OWN_RIGHTS,
            ),
            step(
              'Let the service run as root (under [Service]: User=root), and restart it.',
              `${EDIT_OWN_SERVICE} && ${RESTART_OWN_SERVICE}`,
            ),
          ],
    confirm: AT_ONCE,
  }),
  hostCause({
    id: 'unknown',
    severity: 'critical',
    warnSeverity: 'warning',
    scope: 'gitlab',
    title: 'A check fails for a reason that runnerwatch cannot identify yet',
    meaning:
      'The failure does not match any known cause. The possible causes list what evidence is missing for each.',
    evidence: 'A failing check without a known reason.',
    notConfusedWith: [],
    from: [],
    says: (c) => `a check of ${c.url} fails for a reason that runnerwatch cannot identify yet`,
    fix: () => [
      step(
        'Read the details of the check named in the evidence.',
        `${CHECK_AS_ROOT} --format json`,
      ),
    ],
  }),
];
