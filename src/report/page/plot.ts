/** Small SVG charts: a line over the last 24 hours, a bar with marks. No script, no style attribute. */
import type { Instant } from '../../core/clock.ts';
import type { Series } from '../../core/past.ts';
import type { Html } from './html.ts';
import { html } from './html.ts';

export const DAY_MILLISECONDS = 86_400_000;
const WIDTH = 240;
const HEIGHT = 48;
/** A quarter of an hour each. */
const COLUMNS = 96;

export interface Plot {
  readonly points: Series['points'];
  readonly now: Instant;
  /** Which value of a column is drawn: the worst one. */
  readonly worse: 'low' | 'high';
  /** Upper end of the scale; the largest value by default. */
  readonly top?: number;
  readonly limits?: readonly number[];
  /** The text for a screen reader. */
  readonly label: string;
}

export function plot({ points, now, worse, top, limits = [], label }: Plot): Html {
  const most = Math.max(top ?? 0, ...(top === undefined ? points.map(([, value]) => value) : []));
  const scale = most > 0 ? most : 1;
  const y = (value: number): number =>
    Math.round(HEIGHT - (Math.min(value, scale) / scale) * HEIGHT);
  const marks = limits.map((limit) => html`<path class="limit" d="M0 ${y(limit)}H${WIDTH}" />`);
  return html`<svg
    class="plot"
    role="img"
    aria-label="${label}"
    viewBox="0 -2 ${WIDTH} ${HEIGHT + 4}"
    preserveAspectRatio="none"
  >
    ${marks}
    <path d="${lineOf(columnsOf(points, now, worse), y)}" />
  </svg>`;
}

/** The worst value of each column; undefined where nothing was sampled. */
function columnsOf(
  points: Series['points'],
  now: Instant,
  worse: 'low' | 'high',
): readonly (number | undefined)[] {
  const columns: (number | undefined)[] = Array.from({ length: COLUMNS }, () => undefined);
  for (const [at, value] of points) {
    const index = Math.floor(((at - now + DAY_MILLISECONDS) / DAY_MILLISECONDS) * COLUMNS);
    if (index < 0 || index >= COLUMNS) continue;
    const before = columns[index] ?? value;
    columns[index] = worse === 'low' ? Math.min(before, value) : Math.max(before, value);
  }
  return columns;
}

/** A gap in the samples is a gap in the line; a single value is a short dash. */
function lineOf(columns: readonly (number | undefined)[], y: (value: number) => number): string {
  const step = WIDTH / COLUMNS;
  return columns
    .map((value, index) => {
      if (value === undefined) return '';
      const isFirst = columns[index - 1] === undefined;
      const x = Math.round(index * step);
      return isFirst
        ? `M${x} ${y(value)}h${step}`
        : `L${Math.round((index + 1) * step)} ${y(value)}`;
    })
    .join('');
}

/** A share of 1, with its limits. */
export function bar(ratio: number, limits: readonly number[], label: string): Html {
  return html`<svg
    class="bar"
    role="img"
    aria-label="${label}"
    viewBox="0 0 100 6"
    preserveAspectRatio="none"
  >
    <rect width="${percent(ratio)}" height="6" />
    ${limits.map((limit) => html`<path class="limit" d="M${percent(limit)} 0V6" />`)}
  </svg>`;
}

function percent(share: number): number {
  return Math.round(Math.max(0, Math.min(1, share)) * 1000) / 10;
}
