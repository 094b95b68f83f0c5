/** One card for each cause with its fix; causes of one id share a card. */
import type { Cause } from '../../core/diagnosis.ts';
import type { View } from '../../core/view.ts';
import type { Severity } from '../../core/vocabulary.ts';
import type { Html } from './html.ts';
import { html } from './html.ts';
import { formatDuration } from '../../core/duration-text.ts';
import { priorChangeText, stateOfCause } from '../format.ts';
import { shownCauses } from '../../core/verdict.ts';
import { sortBySeverity } from '../../core/vocabulary.ts';

/** Further causes are one line each, so that the page stays small. */
const MAX_CARDS = 12;
const MAX_ALIKE = 10;
const MAX_LINES = 50;

const MARKS: Readonly<Record<Severity, string>> = {
  critical: '✕',
  warning: '!',
  notice: '!',
  info: 'i',
};

export function causeCards({ diagnosis, snapshot }: View): Html | undefined {
  const causes = sortBySeverity(shownCauses(diagnosis));
  if (causes.length === 0) return undefined;
  const groups = [...Map.groupBy(causes, ({ id }) => id).values()].flatMap(([first, ...rest]) =>
    first === undefined ? [] : [[first, ...rest] as const],
  );
  const now = snapshot.takenAt;
  return html`<section aria-labelledby="h-causes">
    <h2 id="h-causes">${groups.length === 1 ? 'Cause' : `${groups.length} causes`}</h2>
    <div class="causes">${groups.slice(0, MAX_CARDS).map((group) => causeCard(group, now))}</div>
    ${restOf(groups.slice(MAX_CARDS).map(([cause]) => cause))}
  </section>`;
}

function restOf(causes: readonly Cause[]): Html | undefined {
  if (causes.length === 0) return undefined;
  const lines = causes
    .slice(0, MAX_LINES)
    .map(({ id, summary }) => html`<li id="${id}"><b>${id}</b>: ${summary}</li>`);
  return html`<h3>${causes.length} more causes</h3>
    <ul>
      ${lines}
    </ul>`;
}

function causeCard(group: readonly [Cause, ...Cause[]], now: number): Html {
  const [cause, ...alike] = group;
  const { id, severity, title, summary, ruledOut, resolvedWhen } = cause;
  const since = Math.min(...group.map((one) => one.since));
  return html`<article class="cause ${severity}" id="${id}">
    <h3>${title}</h3>
    <p class="meta">
      <span class="tag"><i aria-hidden="true">${MARKS[severity]}</i> ${severity}</span> · ${id} ·
      ${stateOfCause(cause)} · since ${formatDuration((now - since) / 1000)}
    </p>
    <p class="what">${summary}</p>
    ${changesOf(group)} ${groupAlike(alike)}
    <h4>What to do</h4>
    ${fixOf(cause)}
    <p class="meta">Clears when ${resolvedWhen}.</p>
    <details id="proof-${id}">
      <summary>Evidence${ruledOut.length === 0 ? '' : ', and causes ruled out'}</summary>
      <ul>
        ${cause.evidence.map(({ check, text }) => html`<li>${text} <small>(${check})</small></li>`)}
        ${ruledOut.map((item) => html`<li>not <b>${item.id}</b>: ${item.because}</li>`)}
      </ul>
    </details>
  </article>`;
}

/** Of all causes of the group, each change once. */
function changesOf(group: readonly Cause[]): Html | undefined {
  const texts = group.flatMap(({ changedBefore = [] }) =>
    changedBefore.map((change) => priorChangeText(change)),
  );
  if (texts.length === 0) return undefined;
  return html`<p class="changed">
    Changed shortly before it began: ${[...new Set(texts)].join('; ')}.
  </p>`;
}

function fixOf({ fix }: Cause): Html {
  const steps = fix.map(
    ({ text, command }) =>
      html`<li>${text}${command === undefined ? undefined : html`<pre>${command}</pre>`}</li>`,
  );
  return html`<ol>
    ${steps}
  </ol>`;
}

/** The same cause for other entries: only their summaries, since the steps are the same. */
function groupAlike(alike: readonly Cause[]): Html | undefined {
  if (alike.length === 0) return undefined;
  const more = alike.length - MAX_ALIKE;
  return html`<ul>
    ${alike.slice(0, MAX_ALIKE).map(({ summary }) => html`<li>${summary}</li>`)}
    ${more > 0 ? html`<li>and ${more} more of the same kind</li>` : undefined}
  </ul>`;
}

export function candidatesOf({ diagnosis }: View): Html | undefined {
  if (diagnosis.candidates.length === 0) return undefined;
  const lines = diagnosis.candidates.map(
    ({ id, missing, nextTest }) =>
      html`<li><b>${id}</b>: ${missing} <small>${nextTest}</small></li>`,
  );
  return html`<section aria-labelledby="h-candidates">
    <h2 id="h-candidates">Possible causes</h2>
    <ul>
      ${lines}
    </ul>
  </section>`;
}
