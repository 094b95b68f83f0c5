/** The text of a row's outcome: what was expected, and all details of a failed row. */
import type { CheckResult } from './daemon.ts';
import type { FaultRow, HealthyRow } from './scenario.ts';
import { isFault } from './scenario.ts';
import type { World } from './world.ts';

export async function detailsOf(
  { text, checked }: { readonly text: string; readonly checked?: CheckResult },
  world: World,
): Promise<string> {
  const { gitlab, daemon, runner } = world;
  const requests = gitlab.application.requests
    .slice(-30)
    .map(
      ({ at, method, path, userAgent }) =>
        `${new Date(at).toISOString()} ${method} ${path} ${userAgent}`,
    );
  const seen = checked === undefined ? [] : ['check:', checked.stdout, checked.stderr];
  const logged = (await runner.log()).split('\n').slice(-10);
  const parts = ['requests:', ...requests, 'runner’s log:', ...logged, 'output:', daemon.output()];
  return [text, ...seen, ...parts].join('\n');
}

export function expectedOf(row: FaultRow | HealthyRow): string {
  if (!isFault(row))
    return `healthy${row.allowed.length === 0 ? '' : ` or ${row.allowed.join(', ')}`}`;
  const { cause, chain = '', runners } = row.expect;
  const own = Object.entries(runners ?? {}).map(
    ([name, one]) => `${name}: ${one.cause} ${one.chain ?? ''}`,
  );
  const ids = typeof cause === 'string' ? cause : cause.join(' | ') || 'healthy';
  return `${ids} ${own.length === 0 ? chain : `(${own.join('; ')})`}`;
}
