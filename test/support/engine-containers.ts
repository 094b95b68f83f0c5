/** Containers of runners as Docker tells of them, in its list and one by one. */
import type { DockerScript } from './docker-stand-in.ts';

export interface MadeContainer {
  /** Of which its id consists. */
  readonly digit: string;
  readonly name: string;
  readonly status: string;
  readonly exitCode?: number;
  readonly isOutOfMemory?: boolean;
  /** Why its last start failed. */
  readonly error?: string;
  readonly restarts?: number;
  /** Of restarts: `no`, `always`, `on-failure:3`. */
  readonly policy?: string;
  /** Unix milliseconds; by default never. */
  readonly endedAt?: number;
  readonly createdAt?: number;
  /** What the entrypoint is given. */
  readonly given?: readonly string[];
  readonly user?: string;
  readonly environment?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  /** Folder of the host by mount point. */
  readonly mounts?: Readonly<Record<string, string>>;
}

const IMAGE = 'gitlab/gitlab-runner:latest';
const NEVER = '0001-01-01T00:00:00Z';

export function containerId(digit: string): string {
  return digit.repeat(64);
}

/** What an engine with these says. */
export function engineWith(...containers: readonly MadeContainer[]): DockerScript {
  return {
    containers: containers.map((one) => listed(one)),
    inspected: Object.fromEntries(
      containers.flatMap((one) => {
        const about = inspected(one);
        return [
          [containerId(one.digit), about],
          [one.name, about],
        ];
      }),
    ),
  };
}

function listed({ digit, name, status, labels = {}, given = ['run'] }: MadeContainer) {
  return {
    Id: containerId(digit),
    Names: [`/${name}`],
    Image: IMAGE,
    Command: `/usr/bin/dumb-init /entrypoint ${given.join(' ')}`,
    State: status,
    Labels: labels,
  };
}

function inspected(one: MadeContainer) {
  const { digit, name, restarts = 0, createdAt = 0, policy = 'no', mounts = {} } = one;
  const [policyName, most = '0'] = policy.split(':');
  const config = configOf(one);
  return {
    Id: containerId(digit),
    Name: `/${name}`,
    Created: timeText(createdAt),
    Path: '/usr/bin/dumb-init',
    Args: ['/entrypoint', ...config.Cmd],
    RestartCount: restarts,
    State: stateOf(one),
    Config: config,
    HostConfig: { RestartPolicy: { Name: policyName, MaximumRetryCount: Number(most) } },
    Mounts: Object.entries(mounts).map(([Destination, Source]) => ({
      Type: 'bind',
      Source,
      Destination,
    })),
  };
}

function configOf({ given = ['run'], environment = [], labels = {}, user = '' }: MadeContainer) {
  return { Image: IMAGE, Cmd: given, Env: environment, Labels: labels, User: user };
}

function stateOf({
  status,
  exitCode = 0,
  isOutOfMemory = false,
  error = '',
  endedAt,
}: MadeContainer) {
  const [started, finished] =
    endedAt === undefined ? [NEVER, NEVER] : [timeText(endedAt - 3_600_000), timeText(endedAt)];
  return {
    Status: status,
    ExitCode: exitCode,
    OOMKilled: isOutOfMemory,
    Error: error,
    StartedAt: started,
    FinishedAt: finished,
  };
}

function timeText(at: number): string {
  return new Date(at).toISOString();
}
