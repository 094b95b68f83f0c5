/** The descendants of a process, and which of them still run: for tests that nothing is left behind. */
import { readdirSync, readFileSync } from 'node:fs';

/** Children, their children and so on, as they are now. */
export function descendantsOf(pid: number): readonly number[] {
  const parents = new Map(processes().map((one) => [one, parentOf(one)]));
  const children = [...parents].filter(([, parent]) => parent === pid).map(([one]) => one);
  return children.flatMap((child) => [child, ...descendantsOf(child)]);
}

/** Those that have not ended; what has ended and was not fetched by its parent counts as ended. */
export function stillRunning(pids: readonly number[]): readonly number[] {
  return pids.filter((pid) => {
    const state = statOf(pid)[0];
    return state !== undefined && state !== 'Z';
  });
}

function processes(): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function parentOf(pid: number): number {
  return Number(statOf(pid)[1] ?? 0);
}

/** The fields after the name, which may hold spaces: state, parent and so on. */
function statOf(pid: number): readonly string[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}
