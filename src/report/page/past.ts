/** The last 24 hours: a strip of verdicts, events, and the recorded incidents. */
import type { Instant } from '../../core/clock.ts';
import type { IncidentSummary, TimelineEvent, Tone } from '../../core/past.ts';
import type { View } from '../../core/view.ts';
import type { Html } from './html.ts';
import { html } from './html.ts';
import { formatLength } from '../incidents.ts';
import { DAY_MILLISECONDS } from './plot.ts';

const MAX_EVENTS = 40;
const FIRST_EVENTS = 6;
const MAX_INCIDENTS = 10;
const STRIP_WIDTH = 960;
const STRIP_HEIGHT = 24;
/** The height repeats the colour: a worse verdict is taller. */
const HEIGHTS: Readonly<Record<Tone, number>> = { good: 5, note: 10, warn: 16, bad: 24 };
const CLASSES: Readonly<Record<Tone, string>> = {
  good: 'pass',
  note: 'unknown',
  warn: 'warn',
  bad: 'fail',
};
const MARKS: Readonly<Record<Tone, string>> = { good: '✓', note: '·', warn: '!', bad: '✕' };

export function timelineOf({ past: { timeline }, snapshot }: View): Html | undefined {
  if (timeline.length === 0) return undefined;
  const shown = timeline.slice(0, MAX_EVENTS);
  const [first, rest] = [shown.slice(0, FIRST_EVENTS), shown.slice(FIRST_EVENTS)];
  return html`<section aria-labelledby="h-timeline">
    <h2 id="h-timeline">Last 24 hours</h2>
    ${stripOf(timeline, snapshot.takenAt)}
    <ol class="events">
      ${first.map((event) => eventLine(event))}
    </ol>
    ${
      rest.length === 0
        ? undefined
        : html`<details id="events">
            <summary>${rest.length} earlier events</summary>
            <ol class="events">
              ${rest.map((event) => eventLine(event))}
            </ol>
          </details>`
    }
  </section>`;
}

function eventLine({ at, tone, kind, text }: TimelineEvent): Html {
  const iso = new Date(at).toISOString();
  return html`<li class="${CLASSES[tone]}">
    <time datetime="${iso}">${iso.slice(11, 19)}</time>
    <i class="tag" aria-hidden="true">${MARKS[tone]}</i>
    <span><b>${kind}</b> ${text}</span>
  </li>`;
}

interface Band {
  readonly from: Instant;
  readonly to: Instant;
  readonly tone: Tone;
}

/** The verdicts that the timeline has. */
function bandsOf(timeline: readonly TimelineEvent[], now: Instant): readonly Band[] {
  const turns = timeline.filter(({ kind }) => kind === 'verdict changed').toReversed();
  return turns.map(({ at, tone }, index) => ({ from: at, to: turns[index + 1]?.at ?? now, tone }));
}

function stripOf(timeline: readonly TimelineEvent[], now: Instant): Html {
  const x = (at: Instant): number =>
    Math.round(((at - now + DAY_MILLISECONDS) / DAY_MILLISECONDS) * STRIP_WIDTH);
  const bands = bandsOf(timeline, now).map(({ from, to, tone }) => {
    const height = HEIGHTS[tone];
    return html`<rect
      class="${CLASSES[tone]}"
      x="${x(from)}"
      y="${STRIP_HEIGHT - height}"
      width="${Math.max(2, x(to) - x(from))}"
      height="${height}"
    />`;
  });
  return html`<svg
      class="strip"
      role="img"
      aria-label="Verdicts of the last 24 hours; the list below has the same"
      viewBox="0 0 ${STRIP_WIDTH} ${STRIP_HEIGHT}"
      preserveAspectRatio="none"
    >
      ${bands}
    </svg>
    <p class="scale"><span>24 h ago</span><span>now (taller is worse)</span></p>`;
}

export function incidentsOf({ past: { incidents } }: View): Html | undefined {
  if (incidents.length === 0) return undefined;
  const more = incidents.length - MAX_INCIDENTS;
  return html`<section aria-labelledby="h-incidents">
    <h2 id="h-incidents">Incidents</h2>
    <ol class="events">
      ${incidents.slice(0, MAX_INCIDENTS).map((incident) => incidentLine(incident))}
    </ol>
    ${more > 0 ? html`<p>And ${more} older: <code>runnerwatch incident</code></p>` : undefined}
  </section>`;
}

function incidentLine(incident: IncidentSummary): Html {
  const { id, cause, severity, summary, confirmedAt, recoveredAt } = incident;
  const iso = new Date(confirmedAt).toISOString();
  const isOver = recoveredAt !== undefined;
  return html`<li class="${isOver ? 'pass' : 'fail'}">
    <time datetime="${iso}">${iso.slice(0, 16).replace('T', ' ')}</time>
    <i class="tag" aria-hidden="true">${isOver ? '✓' : '✕'}</i>
    <span
      ><a href="/api/v1/incidents/${id}">${cause}</a> (${severity}, ${formatLength(incident)})
      ${summary}</span
    >
  </li>`;
}
