/** Constraints on keys of the executors' tables. */
import type { ConstraintRow, KeyConstraint } from './constraint.ts';
import { AUTOSCALED_EXECUTORS, DOCKER_EXECUTORS } from './executors.ts';
import { isCronPeriod } from './cron-period.ts';
import { isGoExpression } from './go-expression.ts';
import { isTimeZone, timeZoneNamed } from './time-zone.ts';
import { isIpAddress, isMacAddress, rationalOf, sizeOf, withUnit } from './value-forms.ts';

/** Keys of `[runners.docker]` with a size of memory. */
const SIZES = ['', 'service_'].flatMap((who) =>
  ['memory', 'memory_swap', 'memory_reservation'].map((name) => `${who}${name}`),
);
/** Docker's own minimum. */
export const MIN_MEMORY_BYTES = 6 * 2 ** 20;
const MIN_IDLE_SECONDS = 1;

export const PULL_POLICIES: readonly string[] = ['always', 'if-not-present', 'never'];

/** `4 gigs` is 4g, and a number between blanks is itself. */
function meantSize(text: string): string {
  if (sizeOf(text.trim()) !== undefined) return text.trim();
  const form = /^\s*(?<number>\d+(?:[.,]\d+)?)\s*(?<unit>[kmgt])/i;
  const { number, unit = '' } = form.exec(text)?.groups ?? {};
  return number === undefined ? '4g' : `${number.replace(',', '.')}${unit.toLowerCase()}`;
}

/** Of a table of Docker, where jobs run in Docker. */
function docker(
  keys: readonly string[],
  must: KeyConstraint['must'],
  write?: KeyConstraint['write'],
  below = '',
): KeyConstraint {
  return {
    table: `runners.docker${below}`,
    keys,
    executors: DOCKER_EXECUTORS,
    must,
    ...(write === undefined ? {} : { write }),
  };
}

/** Periods and a time zone, which have two spellings. */
function schedule(table: string, periods: string, timezone: string): readonly KeyConstraint[] {
  return [
    {
      table,
      keys: [periods],
      must: { kind: 'form', is: 'a period with the fields of cron', test: isCronPeriod },
      write: '"* * 9-17 * * mon-fri *"',
    },
    {
      table,
      keys: [timezone],
      must: { kind: 'form', is: 'a time zone', test: isTimeZone },
      write: (text) => timeZoneNamed(text.trim()) ?? 'UTC',
      isCertain: (text) => timeZoneNamed(text.trim()) !== undefined,
    },
  ];
}

const DOCKER: readonly ConstraintRow[] = [
  {
    code: 'D01',
    name: 'memory-unreadable',
    severity: 'error',
    effect: 'run',
    title: 'A memory size cannot be parsed, or is negative',
    consequence:
      'The runner process exits when it creates the first container, and all running jobs end with it.',
    fix: 'Write a number with a unit: "512m", "4g".',
    keys: [
      docker(
        SIZES,
        { kind: 'form', is: 'a size such as 4g', test: (text) => sizeOf(text) !== undefined },
        meantSize,
      ),
    ],
  },
  {
    code: 'D02',
    name: 'memory-tiny',
    severity: 'error',
    effect: 'jobs',
    title: 'A memory size is below the minimum of 6 MiB',
    consequence:
      'A number without a unit is in bytes: Docker refuses to create the container, and every job fails.',
    fix: 'Add the unit: "4g".',
    keys: [
      docker(
        SIZES,
        { kind: 'range', of: 'size', min: MIN_MEMORY_BYTES, allowsZero: true },
        (text) => (/^\d+$/.test(text) ? withUnit(BigInt(text)) : undefined),
      ),
    ],
  },
  {
    code: 'D03',
    name: 'cpus-unreadable',
    severity: 'error',
    effect: 'jobs',
    title: 'A number of CPUs cannot be parsed',
    consequence: 'Every job fails before its container starts.',
    fix: 'Write a number in quotes: "2", "1.5" or "1/2".',
    keys: [
      docker(
        ['cpus', 'service_cpus'],
        { kind: 'form', is: 'a number', test: (text) => rationalOf(text) !== undefined },
        '"2"',
      ),
    ],
  },
  {
    code: 'D05',
    name: 'pull-policy-unknown',
    severity: 'error',
    effect: 'jobs',
    title: 'The pull policy does not exist',
    consequence: 'Every job fails when the runner pulls its image, after three attempts.',
    fix: `Write ${PULL_POLICIES.join(', ')}, in lower case.`,
    keys: [
      docker(['pull_policy', 'allowed_pull_policies'], {
        kind: 'one-of',
        values: PULL_POLICIES,
        rejectsEmpty: true,
        aliases: { missing: 'if-not-present' },
      }),
    ],
  },
  {
    code: 'D08',
    name: 'image-empty',
    severity: 'warning',
    title: 'No default image is set',
    consequence: 'Jobs without an `image` of their own fail.',
    fix: 'Set `image`.',
    keys: [docker(['image'], { kind: 'present' }, '"alpine:3.22"')],
  },
  {
    code: 'D10',
    name: 'docker-tls-without-host',
    severity: 'warning',
    title: '`tls_verify` or `tls_cert_path` is set without `host`',
    consequence:
      'Both keys are ignored: without `host` the runner uses DOCKER_HOST, DOCKER_TLS_VERIFY and DOCKER_CERT_PATH.',
    fix: 'Set `host`, or remove the lines.',
    keys: [
      docker(['tls_verify', 'tls_cert_path'], {
        kind: 'needs',
        key: 'host',
        line: 'host = "tcp://docker:2376"',
      }),
    ],
  },
  {
    code: 'D16',
    name: 'docker-value-refused',
    severity: 'error',
    effect: 'jobs',
    title: 'Docker refuses a value of [runners.docker]',
    consequence: 'Every job fails when its environment is prepared.',
    fix: 'Correct the value as the message says.',
    keys: [
      docker(['dns'], { kind: 'form', is: 'an IP address', test: isIpAddress }),
      docker(['mac_address'], { kind: 'form', is: 'a MAC address', test: isMacAddress }),
      docker(['isolation'], { kind: 'one-of', values: ['process', 'hyperv', 'default'] }),
      docker(['devices'], {
        kind: 'form',
        is: 'HOST:CONTAINER:RIGHTS',
        test: (text) => text.split(':').length <= 3,
      }),
      docker(
        ['*'],
        {
          kind: 'form',
          is: 'a whole number, or two with a colon between them',
          test: (text) => /^-?\d+(?::-?\d+)?$/.test(text),
        },
        undefined,
        '.ulimit',
      ),
      docker(['*'], { kind: 'named', names: ['env', 'labels'] }, undefined, '.log_options'),
    ],
  },
  {
    code: 'D17',
    name: 'service-without-name',
    severity: 'error',
    effect: 'jobs',
    title: 'A service has no name',
    consequence: 'Every job fails: invalid service image name.',
    fix: 'Write `name = "image:tag"`.',
    keys: [docker(['name'], { kind: 'present' }, '"postgres:16"', '.services')],
  },
  {
    code: 'D18',
    name: 'helper-image-pinned',
    severity: 'warning',
    title: 'The helper image is pinned to a tag',
    consequence:
      'By default the runner uses the helper image of its own version; one of another version may be incompatible.',
    fix: 'Remove the line, or use the variable ${CI_RUNNER_VERSION} as the version.',
    keys: [
      docker(['helper_image'], {
        kind: 'form',
        is: 'an image tagged with ${CI_RUNNER_VERSION}',
        test: (text) => /\$\{?CI_RUNNER_/.test(text),
      }),
    ],
  },
  {
    code: 'D20',
    name: 'volumes-kept',
    severity: 'warning',
    title: '`volume_keep` is on',
    consequence:
      'Volumes of jobs are never removed and fill the disk; the runner logs a warning in every job.',
    fix: 'Remove `volume_keep`, or prune volumes with a timer.',
    keys: [docker(['volume_keep'], { kind: 'not', values: [true] })],
  },
  {
    code: 'D07',
    name: 'images-not-renewed',
    severity: 'warning',
    title: '`pull_policy` is not "always"',
    consequence:
      'Jobs run on images of any age, and on private images that other projects pulled, without credentials of their own.',
    fix: 'Set it to "always", unless the entry runs jobs of one trusted project only.',
    keys: [docker(['pull_policy'], { kind: 'not', values: ['never', 'if-not-present'] })],
  },
  {
    code: 'T07',
    name: 'tls-verify-not-for-gitlab',
    severity: 'info',
    title: '`tls_verify = false` does not affect the connection to GitLab',
    consequence:
      'It concerns the connection to Docker, where false is the default; the certificate of GitLab is always verified.',
    fix: 'Remove it, and trust the certificate authority of GitLab with `tls-ca-file`.',
    keys: [
      docker(['tls_verify'], { kind: 'not', values: [false], unless: ['host', 'tls_cert_path'] }),
    ],
  },
];

const OTHERS: readonly ConstraintRow[] = [
  {
    code: 'M01',
    name: 'machine-name-without-place',
    severity: 'error',
    effect: 'offline',
    title: '`MachineName` is missing, or has no %s',
    consequence: 'The entry creates no machine and asks for no jobs.',
    fix: 'Write a name with %s, which the runner replaces by a unique id.',
    keys: [{ kind: 'present' } as const, hasPlaceholder()].map((must) => ({
      table: 'runners.machine',
      keys: ['MachineName'],
      executors: ['docker+machine'],
      must,
      write: '"ci-%s"',
    })),
  },
  {
    code: 'M02',
    name: 'machine-setting-refused',
    severity: 'error',
    effect: 'start',
    title: 'A machine option has no %s, or a period, time zone or expression is invalid',
    consequence: 'The runner does not load the file.',
    fix: 'Put %s into each MachineOptionsWithName, write periods as cron fields, and time zones as Europe/Berlin.',
    keys: [
      { table: 'runners.machine', keys: ['MachineOptionsWithName'], must: hasPlaceholder() },
      ...schedule('runners.machine.autoscaling', 'Periods', 'Timezone'),
      ...schedule('runners.monitoring.job_queuing_durations', 'periods', 'timezone'),
      {
        table: 'runners.monitoring.job_queuing_durations',
        keys: ['jobs_running_for_project'],
        must: { kind: 'form', is: 'a regular expression of Go', test: isGoExpression },
      },
    ],
  },
  {
    code: 'M03',
    name: 'off-peak-removed',
    severity: 'warning',
    title: 'A key of OffPeak is set',
    consequence: 'The runner has ignored these keys since version 14.0.',
    fix: 'Write [[runners.machine.autoscaling]] with `Periods` instead.',
    keys: [
      {
        table: 'runners.machine',
        keys: ['OffPeakPeriods', 'OffPeakTimezone', 'OffPeakIdleCount', 'OffPeakIdleTime'],
        must: {
          kind: 'no-effect',
          why: 'since GitLab Runner 14.0',
          line: '[[runners.machine.autoscaling]]',
        },
      },
    ],
  },
  {
    code: 'A01',
    name: 'autoscaler-cannot-begin',
    severity: 'error',
    effect: 'offline',
    title: 'The plugin of the autoscaler, or its key, is missing',
    consequence: 'The entry creates no machine and asks for no jobs.',
    fix: 'Install the plugin (`gitlab-runner fleeting install`), and make the key readable for the runner.',
    keys: [
      {
        table: 'runners.autoscaler',
        keys: ['plugin'],
        executors: AUTOSCALED_EXECUTORS,
        must: { kind: 'present' },
      },
    ],
  },
  {
    code: 'A02',
    name: 'idle-time-tiny',
    severity: 'warning',
    title: '`idle_time` is below a second',
    consequence:
      'Idle machines are removed at once; `gitlab-runner lint` reports the file as invalid.',
    fix: 'Write a duration with a unit: "20m".',
    keys: ['runners.autoscaler.policy', 'runners.kubernetes.autoscaler.policy'].map((table) => ({
      table,
      keys: ['idle_time'],
      must: { kind: 'range', of: 'duration', min: MIN_IDLE_SECONDS, allowsZero: true } as const,
      write: '"20m"',
    })),
  },
  {
    code: 'K01',
    name: 'nfs-volume-incomplete',
    severity: 'error',
    effect: 'start',
    title: 'An NFS volume lacks a required key',
    consequence: 'The runner does not load the file.',
    fix: 'Set name, mount_path, server and path in each [[runners.kubernetes.volumes.nfs]].',
    keys: [
      {
        table: 'runners.kubernetes.volumes.nfs',
        keys: ['name', 'mount_path', 'server', 'path'],
        must: { kind: 'present' },
      },
    ],
  },
  {
    code: 'S02',
    name: 'custom-program-unusable',
    severity: 'error',
    effect: 'jobs',
    title: '`run_exec` of the custom executor is missing, or not an executable file',
    consequence: 'Every job fails.',
    fix: 'Write the absolute path of a program that the runner may execute.',
    keys: [
      {
        table: 'runners.custom',
        keys: ['run_exec'],
        executors: ['custom'],
        must: { kind: 'present' },
        write: '"/opt/ci/run.sh"',
      },
      {
        table: 'runners.custom',
        keys: ['run_exec'],
        executors: ['custom'],
        must: { kind: 'form', is: 'an absolute path', test: (text) => text.startsWith('/') },
      },
    ],
  },
  {
    code: 'S03',
    name: 'ssh-cannot-connect',
    severity: 'error',
    effect: 'jobs',
    title: 'The ssh executor has no `host`, or its files are missing',
    consequence: 'Every job fails; without `host` the runner connects to this host itself.',
    fix: 'Set `host`, a readable `identity_file` and an existing `known_hosts_file`.',
    keys: [
      {
        table: 'runners.ssh',
        keys: ['host'],
        executors: ['ssh'],
        must: { kind: 'present' },
        write: '"HOST"',
      },
    ],
  },
];

function hasPlaceholder(): KeyConstraint['must'] {
  return { kind: 'form', is: 'a text with %s', test: (text) => text.includes('%s') };
}

export const EXECUTOR_CONSTRAINTS: readonly ConstraintRow[] = [...DOCKER, ...OTHERS];
