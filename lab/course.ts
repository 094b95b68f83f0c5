/** What the daemon's log says of the way of a row: each cause that appeared, and each change of the verdict. */
import type { FaultRow } from './scenario.ts';

interface Change {
  readonly from: string;
  readonly to: string;
}

/** Reading the host's own settings takes too long while the lab keeps every core busy. */
const SLOW_MACHINE = 'monitor-blind';

/** What was named or said on the way without need. `mended`: what came before is of the fault, after it of its end. */
export function detours(
  { expect: { cause, also = [] }, betweenSteps = [] }: FaultRow,
  before: string,
  mended: string,
): readonly string[] {
  const wanted = [cause, also, SLOW_MACHINE].flat();
  const unexpected = [
    ...appeared(before),
    ...appeared(mended).filter((id) => !betweenSteps.includes(id)),
  ].filter((id) => !wanted.includes(id));
  const changes = verdicts(mended);
  const [change] = changes;
  const isStraight = changes.length === 1 && change?.to === 'healthy';
  const said = changes.map(({ from, to }) => `${from} to ${to}`).join(', then ');
  return [
    ...[...new Set(unexpected)].map((id) => `on the way it named ${id}`),
    ...(isStraight ? [] : [`after the repair its verdict went from ${said}`]),
  ];
}

function appeared(output: string): readonly string[] {
  return [...output.matchAll(/msg="cause appeared".* cause=(?<id>[\w-]+)/g)].map(
    ({ groups }) => groups?.['id'] ?? '',
  );
}

function verdicts(output: string): readonly Change[] {
  return [...output.matchAll(/msg="verdict changed".* from=(?<from>\w+) to=(?<to>\w+)/g)].map(
    ({ groups }) => ({ from: groups?.['from'] ?? '', to: groups?.['to'] ?? '' }),
  );
}
