/**
 * What this host, its container engine or its cluster refused, in any line in which the runner says why something failed:
 * docs/reference/runner-log.md, "This host in any line". One table of refusals, one of lines; each goes with each.
 */
import { dataKey, dataWith } from '../../core/finding-data.ts';
import type { EventKind } from '../../core/runner-event.ts';
import type { Fragment } from './fragment.ts';
import type { LogLevel } from './log-line.ts';

/** What the text of a refusal names: facts of the cause. */
export type NamedByFault = Readonly<
  Partial<
    Record<
      | 'path'
      | 'program'
      | 'registry'
      | 'account'
      | 'verb'
      | 'resource'
      | 'namespace'
      | 'quota'
      | 'helper_image',
      string
    >
  >
>;

/** The line says what was refused: the fault is on this host, in its engine or in its cluster. */
export const LOCAL_FAULT = dataKey<NamedByFault>('local-fault');

interface LocalFault {
  /** Row of docs/reference/runner-log.md. */
  readonly n: number;
  readonly cause: string;
  /** Its named groups are what the text names. */
  readonly text: RegExp;
}

/** Each error of the kernel before those of an engine that may quote it. */
export const LOCAL_FAULTS: readonly LocalFault[] = [
  { n: 9, cause: 'fd-system-limit-reached', text: /too many open files in system/ },
  { n: 9, cause: 'fd-limit-reached', text: /too many open files/ },
  {
    n: 95,
    cause: 'docker-not-responding',
    text: /dial unix \S+: connect: resource temporarily unavailable/,
  },
  { n: 96, cause: 'pids-limit-reached', text: /resource temporarily unavailable|newosproc/i },
  { n: 97, cause: 'memory-pressure', text: /cannot allocate memory|runtime: out of memory/i },
  // A limit of a control group, or one that cannot be written: not the disk.
  {
    n: 99,
    cause: 'docker-runtime-failed',
    text: /\/sys\/fs\/cgroup\/\S*: (?:no space left on device|read-only file system|permission denied)/i,
  },
  {
    n: 64,
    cause: 'disk-space-exhausted',
    text: /(?: (?<path>\/[^\s:]+): )?(?<quota>disk quota exceeded)/i,
  },
  {
    n: 64,
    cause: 'disk-docker-root-full',
    text: /(?:from daemon|failed to pull image|\/var\/lib\/(?:docker|containerd|containers)\/|overlay2|layer).*no space left on device/i,
  },
  {
    n: 64,
    cause: 'disk-space-exhausted',
    text: /(?: (?<path>\/[^\s:]+): )?no space left on device/i,
  },
  {
    n: 98,
    cause: 'disk-read-only',
    text: /(?: (?<path>\/[^\s:]+): )?read-only file system/i,
  },
  {
    n: 70,
    cause: 'docker-registry-rate-limited',
    text: /toomanyrequests|pull rate limit|(?:pull|registry|from daemon).*(?:\b429\b|Too Many Requests)/i,
  },
  {
    n: 67,
    cause: 'docker-api-incompatible',
    text: /client version \S+ is too (?:old|new)|Minimum supported API version|client is newer than server/,
  },
  {
    n: 67,
    cause: 'docker-network-pool-exhausted',
    text: /non-overlapping (?:IPv4 )?address pool|predefined address pools have been fully subnetted/,
  },
  {
    n: 66,
    cause: 'docker-socket-permission',
    text: /permission denied while trying to connect to the docker|dial unix \S+: connect: permission denied/i,
  },
  {
    n: 65,
    cause: 'docker-daemon-down',
    text: /(?:failed|cannot) (?:to )?connect to the docker (?:API|daemon)/i,
  },
  {
    n: 102,
    cause: 'docker-registry-unreachable',
    text: /(?:Get|Head) "https?:\/\/(?<registry>[^/"]+)\/v[12]\/[^"]*": (?!unauthorized|denied)/,
  },
  {
    n: 70,
    cause: 'docker-image-pull-failed',
    text: /failed to pull image|image pull failed|image_pull_failure|(?:pull access denied|manifest (?:unknown|for .* not found))/i,
  },
  {
    n: 99,
    cause: 'docker-runtime-failed',
    text: /OCI runtime \w+ failed|failed to create (?:shim )?task|\bcgroups?: |cgroup (?:mountpoint|controller|namespace)/i,
  },
  {
    n: 67,
    cause: 'docker-daemon-down',
    text: /creating docker connection|getting server version info|unsupported os type/,
  },
  {
    n: 100,
    cause: 'kubernetes-forbidden',
    text: /is forbidden: User "(?<account>[^"]+)" cannot (?<verb>[a-z]+) resource "(?<resource>[^"]+)" in API group "[^"]*"(?: in the namespace "(?<namespace>[^"]+)")?/,
  },
  {
    n: 100,
    cause: 'kubernetes-forbidden',
    text: /\b(?<resource>pods|secrets|services|configmaps|serviceaccounts)(?: "[^"]*")? is forbidden/,
  },
  {
    n: 104,
    cause: 'kubernetes-pod-pending',
    text: /timed out waiting for pod to (?:start|become attachable)|pod sandbox creation failed/,
  },
  {
    n: 101,
    cause: 'runner-program-missing',
    text: /exec: "(?<program>[^"]+)": /,
  },
  {
    n: 101,
    cause: 'runner-program-missing',
    text: /fork\/exec (?<program>\/[^\s:]+): (?:no such file or directory|permission denied|exec format error)/,
  },
  {
    n: 103,
    cause: 'runner-permission-denied',
    text: /\b(?:open|openat|mkdir|mkdirat|chdir|stat|lstat|write|read|rename|remove|unlink|unlinkat|symlink|link|chmod|chown|lchown|truncate|create|fdopendir|readdirent) (?<path>\/[^\s:]+)(?: \S+)?: (?:permission denied|operation not permitted)/,
  },
];

export const LOCAL_FAULT_CAUSES: ReadonlySet<string> = new Set(
  LOCAL_FAULTS.map(({ cause }) => cause),
);

/** A kind of line in which the runner says why something failed. */
interface FailureLine {
  readonly kind: EventKind;
  readonly levels: readonly LogLevel[];
  readonly message: RegExp;
}

const BAD: readonly LogLevel[] = ['warning', 'error'];

export const FAILURE_LINES: readonly FailureLine[] = [
  {
    kind: 'poll-failed',
    levels: BAD,
    message: /^Checking for jobs\.\.\. (?:failed|error|client error)/,
  },
  {
    kind: 'not-prepared',
    levels: BAD,
    message:
      /^(?:Preparation failed|Job failed|Failed to process (?:runner|job)|Failed to read trace buffer bytes)/,
  },
  // Of an executor that starts machines for jobs.
  {
    kind: 'not-prepared',
    levels: BAD,
    message:
      /^(?:Machine creation failed|Preparing docker-machine wrapped executor failed|Finished docker-machine build with error|failed to update executor)/i,
  },
  {
    kind: 'job-connection',
    levels: BAD,
    message: /^(?:Appending trace|Submitting job) to coordinator\.\.\. ?(?:error|failed)/,
  },
  { kind: 'config-not-loaded', levels: BAD, message: /^Failed to load config(?! \(token reset\))/ },
  { kind: 'fatal', levels: ['fatal', 'panic'], message: /^/ },
  { kind: 'fatal', levels: ['error'], message: /^Service (?:run|creation) failed/ },
  { kind: 'crashed', levels: ['info'], message: /^(?:panic: |fatal error: )/ },
];

export const LOCAL_FAULT_FRAGMENTS: readonly Fragment[] = FAILURE_LINES.flatMap((line) =>
  LOCAL_FAULTS.map(({ n, cause, text }) => ({
    ...line,
    n,
    cause,
    text,
    read: (_line: unknown, rest: string) => dataWith(LOCAL_FAULT, namedIn(text, rest)),
  })),
);

/** The runner's own image, which each job in a container needs beside the one that the job names. */
const HELPER_IMAGE = /failed to pull image "(?<helper_image>[^"]*gitlab-runner-helper[:@][^"]*)"/;

function namedIn(text: RegExp, rest: string): NamedByFault {
  const named = { ...HELPER_IMAGE.exec(rest)?.groups, ...text.exec(rest)?.groups };
  return Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined));
}
