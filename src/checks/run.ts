/** One run of one probe within its deadline. Never rejects: a throw becomes `unknown`. */
import { deadlineOf } from '../core/abort.ts';
import type { Check } from '../core/check.ts';
import { errnoText, isErrno } from '../core/errno.ts';
import type { Finding, ProbeResult } from '../core/finding.ts';
import type { LinkTools } from '../core/probe.ts';

export async function runCheck(check: Check, tools: LinkTools): Promise<ProbeResult> {
  const startedAt = tools.clock.wall();
  const start = tools.clock.seconds();
  using deadline = deadlineOf(check.timeoutSeconds, tools.signal);
  const finding = await findingOf(check, { ...tools, signal: deadline.signal });
  return { check: check.id, startedAt, durationSeconds: tools.clock.seconds() - start, finding };
}

async function findingOf(check: Check, tools: LinkTools): Promise<Finding> {
  try {
    return await check.probe.run(check.target, check.options, tools);
  } catch (error) {
    if (tools.signal.aborted) {
      const detail = `${check.id} did not end within ${check.timeoutSeconds} s`;
      return { status: 'unknown', reason: 'overdue', detail };
    }
    // Only name and code: a message may quote what it choked on, and that may be a secret.
    const name = error instanceof Error ? error.name : typeof error;
    const code = isErrno(error) ? ` ${errnoText(error)}` : '';
    return {
      status: 'unknown',
      reason: 'probe-bug',
      detail: `${name}${code} in ${check.probe.id}`,
    };
  }
}
