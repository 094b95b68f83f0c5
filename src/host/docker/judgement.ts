/** Judges the examination of a Docker daemon. */
import { leadToCauses } from '../../core/reason.ts';
import type { OverdueJob } from './jobs.ts';
import type { DockerStatus } from './status.ts';

export interface DockerLimits {
  readonly answer_seconds: number;
  /** Minor version of the newest API that the runner uses. */
  readonly runner_api_minor: number;
}

export const DOCKER_REASONS = {
  ...leadToCauses(
    'daemon-down',
    'socket-not-mounted',
    'socket-replaced',
    'socket-permission',
    'not-responding',
    'api-incompatible',
    'root-full',
    'blind',
  ),
  'docker-error': {
    kind: 'cause',
    severity: 'warning',
    meaning: 'Docker returns an error that runnerwatch does not know.',
    action: "Read the detail, and Docker's log.",
  },
  'job-overdue': {
    kind: 'cause',
    severity: 'notice',
    meaning: 'A job container still runs long after the timeout of its job.',
    action:
      'Check in GitLab whether the job has ended; then remove its containers with `docker rm -f`.',
  },
} as const;

export type DockerFault = keyof typeof DOCKER_REASONS;

export type DockerJudgement =
  | { readonly status: 'pass' }
  | {
      readonly status: 'fail' | 'warn' | 'unknown';
      readonly reason: DockerFault;
      readonly detail: string;
    };

const REASONS = {
  down: 'daemon-down',
  denied: 'socket-permission',
  incompatible: 'api-incompatible',
  full: 'root-full',
} as const;

/** `who` is the address with its source. */
export function judgeDocker(
  status: DockerStatus,
  who: string,
  limits: DockerLimits,
  overdue: readonly OverdueJob[] = [],
): DockerJudgement {
  switch (status.kind) {
    case 'up': {
      const judged = versionJudgement(status.minimumApiVersion ?? '', who, limits);
      return judged.status === 'pass' ? jobJudgement(overdue) : judged;
    }
    case 'silent': {
      const detail = `${who} did not answer ${status.asked} within ${limits.answer_seconds} s`;
      return { status: 'fail', reason: 'not-responding', detail };
    }
    case 'blind':
      return {
        status: 'unknown',
        reason: 'blind',
        detail: `${who}: this user may not open it (${status.why})`,
      };
    case 'error':
      return { status: 'warn', reason: 'docker-error', detail: `${who}: ${status.why}` };
    case 'down':
    case 'denied':
    case 'incompatible':
    case 'full':
      return {
        status: 'fail',
        reason: REASONS[status.kind],
        detail: `${who}: ${status.why}`,
      };
  }
}

function versionJudgement(minimum: string, who: string, limits: DockerLimits): DockerJudgement {
  const minor = Number(/^1\.(?<minor>\d+)$/.exec(minimum)?.groups?.['minor'] ?? 0);
  const { runner_api_minor } = limits;
  if (minor <= runner_api_minor) return { status: 'pass' };
  const detail = `${who} requires API 1.${minor} or newer; the runner uses 1.${runner_api_minor}`;
  return { status: 'fail', reason: 'api-incompatible', detail };
}

function jobJudgement([oldest]: readonly OverdueJob[]): DockerJudgement {
  if (oldest === undefined) return { status: 'pass' };
  const { container, job, ageSeconds, timeoutSeconds } = oldest;
  const [age, timeout] = [ageSeconds, timeoutSeconds].map((seconds) => Math.round(seconds / 60));
  const detail = `container ${container} of job ${job} has run for ${age} min, but the timeout of the job is ${timeout} min`;
  return { status: 'warn', reason: 'job-overdue', detail };
}
