const RUNS = 7;

/** Of RUNS runs, after as many for warming up. */
export function medianMilliseconds(work: () => void): number {
  for (let run = 0; run < RUNS; run += 1) work();
  const times = Array.from({ length: RUNS }, () => {
    const started = performance.now();
    work();
    return performance.now() - started;
  });
  return times.toSorted((a, b) => a - b)[Math.floor(RUNS / 2)] ?? Number.NaN;
}
