/** Causes in the host's resources, its clock, and in runnerwatch itself. */
import type { CauseContext, CauseSpec } from '../cause-spec.ts';
import { step } from '../../core/diagnosis.ts';
import { AT_ONCE, family, onHost } from '../cause-spec.ts';

const mountCause = family({
  severity: 'critical',
  scope: 'mount',
  resolvedWhen: 'the disk check passes',
});
const hostCause = family({
  severity: 'warning',
  scope: 'host',
  resolvedWhen: 'the check passes',
});

const biggest = (c: CauseContext) =>
  step(
    'What takes the space?',
    `sudo du -xh --max-depth=2 ${onHost(c, c.fact('path'))} | sort -h | tail`,
  );
const docker = (c: CauseContext) =>
  step('Remove what Docker no longer needs.', c.place.engineAt().client('system prune'));
const logs = (c: CauseContext) => step('Shorten the logs.', c.place.host.shrinkLogs);

export const HOST_CAUSES: readonly CauseSpec[] = [
  mountCause({
    id: 'disk-read-only',
    title: 'A file system that the runner writes has become read-only',
    meaning:
      'The kernel remounted it after errors, or somebody did: no job can write, no token be renewed.',
    evidence:
      'The option ro of the file system itself, on one that the runner must write, or that was writable before or by /etc/fstab.',
    notConfusedWith: ['disk-space-exhausted'],
    from: ['disk/read-only'],
    breaks: true,
    says: (c) => `${c.fact('path')} (${c.fact('roles')}) is read-only`,
    fix: (c) => [
      step('See why.', 'sudo dmesg | grep -i -e error -e remount | tail'),
      step(
        'After the check, mount it writable again.',
        `sudo mount -o remount,rw ${onHost(c, c.fact('path'))}`,
      ),
    ],
  }),
  mountCause({
    id: 'io-stalled',
    title: 'A file system that the runner uses does not answer',
    meaning:
      'Whoever touches it hangs: a network file system whose server is gone, or storage that stalls.',
    evidence:
      'A question to it without an answer within the deadline, one that is answered with a dead connection, writes under way of which none ends while tasks wait for them, or a process that hangs in a call to it.',
    notConfusedWith: ['cpu-starved', 'disk-space-exhausted'],
    from: ['disk/hung', 'disk/dead', 'disk/write-stall'],
    breaks: true,
    says: (c) => `${c.fact('path')} (${c.fact('roles')}) does not answer, or does not end a write`,
    fix: (c) => [
      step(
        'Which mount is it, and who hangs on it?',
        `findmnt -T ${onHost(c, c.fact('path'))}; ps -eo pid,stat,wchan:20,cmd | awk '$2 ~ /D/'`,
      ),
      step('Bring its server back, or detach it.', `sudo umount -l ${onHost(c, c.fact('path'))}`),
      step(
        'If a backup froze it and never thawed it:',
        `sudo fsfreeze -u ${onHost(c, c.fact('path'))}`,
      ),
    ],
    suppresses: ['runner-hung'],
  }),
  mountCause({
    id: 'disk-space-exhausted',
    severity: 'warning',
    title: 'A file system that the runner writes is full, or nearly so',
    meaning:
      'No space is left for ordinary users; jobs fail, and a renewed token may be lost with config.toml.',
    evidence:
      'Free space below 1 % or 200 MiB, measured for ordinary users; below 5 %, or gone within an hour at a steady rate, it is a notice.',
    notConfusedWith: ['disk-inodes-exhausted'],
    from: ['disk/full', 'disk/nearly-full', 'disk/filling'],
    warnSeverity: 'notice',
    says: (c) => `${c.fact('path')} (${c.fact('roles')}) is ${c.fact('fullness')}`,
    fix: (c) => [biggest(c), docker(c), logs(c)],
    suppresses: ['docker-daemon-down', 'docker-not-responding'],
  }),
  mountCause({
    id: 'disk-inodes-exhausted',
    severity: 'warning',
    title: 'A file system that the runner writes has no inodes left, or few',
    meaning: 'Bytes are free and no new file can be made: too many small files.',
    evidence: 'Free inodes below 1 %; below 5 % it is a notice.',
    notConfusedWith: ['disk-space-exhausted'],
    from: ['disk/inodes-exhausted', 'disk/inodes-low'],
    warnSeverity: 'notice',
    says: (c) =>
      `${c.fact('path')} (${c.fact('roles')}) is ${c.fact('fullness')}: too many small files`,
    fix: (c) => [
      step(
        'Where are the small files?',
        `sudo du --inodes -x --max-depth=2 ${onHost(c, c.fact('path'))} | sort -n | tail`,
      ),
      docker(c),
    ],
  }),
  hostCause({
    id: 'memory-pressure',
    title: 'The host is short of memory',
    meaning:
      'Little is available, and tasks wait for memory or pages are swapped: everything on the host is slow.',
    evidence: 'Available memory below 5 %, with pressure or swapping; without them it is a notice.',
    notConfusedWith: ['memory-oom-killed'],
    from: ['memory/pressure', 'memory/low'],
    warnSeverity: 'notice',
    says: () => 'the host is short of memory',
    fix: (c) => [
      step('Who takes it?', 'ps -eo rss,pid,cmd --sort=-rss | head'),
      step(`Run fewer jobs at once (concurrent in ${c.config}), or limit their memory.`),
    ],
    suppresses: ['cpu-starved', 'gitlab-slow'],
  }),
  hostCause({
    id: 'cpu-starved',
    title: 'The runner cannot get the processor',
    meaning:
      'Tasks wait for a core most of the time; the runner polls late and its handshakes time out.',
    evidence:
      'Pressure on the processor above 60 % for several minutes, and the runner’s own tasks wait for a core.',
    notConfusedWith: ['gitlab-slow'],
    from: ['cpu/starved'],
    says: () => 'tasks on this host wait for a core most of the time',
    fix: (c) => [
      step('Who takes it?', 'ps -eo pcpu,pid,cmd --sort=-pcpu | head'),
      step(`Lower concurrent in ${c.config}, or give the host more cores.`),
    ],
    confirm: { results: 5, seconds: 60 },
    suppresses: ['gitlab-slow'],
  }),
  hostCause({
    id: 'clock-skew',
    severity: 'notice',
    title: 'This host’s clock is wrong',
    meaning:
      'It differs from GitLab’s by more than a minute: certificates and tokens are judged at the wrong time. Where that makes a good one look bad it is critical, and the root.',
    evidence: 'The Date of GitLab’s answers, several times in a row.',
    notConfusedWith: ['tls-certificate-expired', 'tls-certificate-not-yet-valid', 'token-expired'],
    from: [],
    says: (c) => `this host’s clock differs from GitLab’s by ${c.fact('skew')} s`,
    fix: (c) => [
      step('Look at it.', c.place.host.showClock),
      step('Let it be set from the network.', c.place.host.setClock),
    ],
    resolvedWhen: 'the clocks agree within a minute',
  }),
  hostCause({
    id: 'monitor-blind',
    severity: 'notice',
    scope: 'monitor',
    title: 'runnerwatch may not read what it needs',
    meaning: 'Something that runnerwatch judges by is hidden from its user.',
    evidence: 'EACCES on its own reads.',
    notConfusedWith: ['config-unreadable', 'runner-not-installed'],
    from: [
      'config/unreadable',
      'service/blind',
      'runner-log/not-allowed',
      'limits/blind',
      'executor/blind',
    ],
    says: (c) => `runnerwatch may not read something it needs on this host (${c.config})`,
    fix: () => [
      step(
        'Run runnerwatch as root, as its own unit file does, and compare.',
        'sudo runnerwatch check',
      ),
    ],
    confirm: AT_ONCE,
  }),
  hostCause({
    id: 'unknown',
    severity: 'critical',
    warnSeverity: 'warning',
    scope: 'gitlab',
    title: 'Something fails, and no cause is proven',
    meaning:
      'A check fails in a way that fits no entry of this catalogue. The candidates say what is missing to prove each.',
    evidence: 'A failing check without a known reason.',
    notConfusedWith: [],
    from: [],
    says: (c) => `something fails on the way to ${c.url}, and no cause is proven`,
    fix: () => [
      step(
        'Look at the check named in the evidence, then run it again.',
        'runnerwatch check --format json',
      ),
    ],
  }),
];
