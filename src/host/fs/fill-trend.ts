/**
 * When will a file system be full at this rate? Only a steady decline over some minutes counts: a job that unpacks its
 * image and removes it again is not one.
 */

interface Sample {
  readonly seconds: number;
  readonly freeBytes: number;
}

/** Half an hour at the usual interval. */
const MAX_SAMPLES = 60;
const MIN_SAMPLES = 10;
const MIN_SECONDS = 240;
/** Share of the variation that a straight line accounts for. */
const STEADY = 0.9;

export class FillTrend {
  readonly #samples = new Map<string, readonly Sample[]>();

  /** Seconds until nothing is left; undefined while the trend is not steady, or not downward. */
  add(mount: string, seconds: number, freeBytes: number): number | undefined {
    const samples = [...(this.#samples.get(mount) ?? []), { seconds, freeBytes }];
    this.#samples.set(mount, samples.slice(-MAX_SAMPLES));
    return secondsToFull(this.#samples.get(mount) ?? []);
  }
}

/** Least squares over the samples. */
function secondsToFull(samples: readonly Sample[]): number | undefined {
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined || samples.length < MIN_SAMPLES) return undefined;
  if (last.seconds - first.seconds < MIN_SECONDS) return undefined;
  const x = meanOf(samples.map(({ seconds }) => seconds));
  const y = meanOf(samples.map(({ freeBytes }) => freeBytes));
  const [xx, xy, yy] = [
    sumOf(samples, (s) => (s.seconds - x) ** 2),
    sumOf(samples, (s) => (s.seconds - x) * (s.freeBytes - y)),
    sumOf(samples, (s) => (s.freeBytes - y) ** 2),
  ];
  if (xx === 0 || yy === 0) return undefined;
  const bytesPerSecond = xy / xx;
  const steadiness = xy ** 2 / (xx * yy);
  if (bytesPerSecond >= 0 || steadiness < STEADY) return undefined;
  return Math.max(0, last.freeBytes / -bytesPerSecond);
}

function sumOf(samples: readonly Sample[], term: (sample: Sample) => number): number {
  return samples.reduce((sum, sample) => sum + term(sample), 0);
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
