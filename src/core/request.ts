/** Requests to GitLab: a probe declares which kinds it sends and what limits each; budget, plan and metrics read it. */

/**
 * `counted`: never delayed, GitLab exempts it from its throttles. `paced`: waits while GitLab asks for a pause
 * (Retry-After). `budgeted`: waits as well, and draws on the hourly budget.
 */
export type Pace = 'counted' | 'paced' | 'budgeted';

export type RequestKinds = Readonly<Record<string, Pace>>;

interface Sender {
  readonly id: string;
  readonly requests?: RequestKinds;
}

/** All kinds that these probes send. */
export function requestKindsOf(senders: readonly Sender[]): RequestKinds {
  return Object.fromEntries(senders.flatMap(({ requests = {} }) => Object.entries(requests)));
}

/** Each run of the check draws on the hourly budget. */
export function isBudgeted({ id, requests }: Sender): boolean {
  return requests?.[id] === 'budgeted';
}
