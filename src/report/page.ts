/** The status page: the whole report on one page, without a script. It renders a view and asks nothing. */
import type { CheckState } from '../core/check.ts';
import type { Cause, RunnerVerdict } from '../core/diagnosis.ts';
import type { View } from '../core/view.ts';
import { explanationOf } from './document.ts';
import type { Html } from './html.ts';
import { html } from './html.ts';
import { STYLE_ELEMENT } from './page-style.ts';
import { durationText, measureName, measureText } from './words.ts';

const REFRESH_SECONDS = 5;
/** What comes after is one line each: nobody reads more, and the page stays small. */
const MOST_CARDS = 20;

export function pageOf(view: View): string {
  const { diagnosis, snapshot, self } = view;
  const { host } = snapshot.surroundings;
  const body = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="refresh" content="${REFRESH_SECONDS}" />
        <title>${diagnosis.verdict}: ${host}</title>
        ${STYLE_ELEMENT}
      </head>
      <body>
        ${self.demo ? html`<div class="demo">This is a demo: GitLab and the runner are stand-ins.</div>` : undefined}
        <main>
          ${headerOf(view)}
          <section class="verdict ${diagnosis.verdict}">
            <h1>${diagnosis.verdict}</h1>
            <p>${diagnosis.summary}</p>
          </section>
          ${causeCards(view)} ${candidatesOf(view)}
          <h2>Runners</h2>
          ${runnersTable(diagnosis.runners)}
          <h2>Checks</h2>
          ${checksTable(view)} ${footerOf(view)}
        </main>
      </body>
    </html>`;
  return body.text;
}

function headerOf({ snapshot }: View): Html {
  const { host, configPath, configFoundBy, process: runner } = snapshot.surroundings;
  const who = runner === undefined ? 'no runner process' : `runner process ${runner.pid}`;
  return html`<header>
    <b>runnerwatch</b><span>${host}</span
    ><span>${configPath} (found by ${configFoundBy.replace('-', ' ')})</span> <span>${who}</span
    ><span>${new Date(snapshot.takenAt).toISOString().slice(0, 19)} UTC</span>
  </header>`;
}

function causeCards({ diagnosis: { causes }, snapshot }: View): readonly Html[] {
  const cards = causes
    .slice(0, MOST_CARDS)
    .map((cause, index) => causeCard(cause, snapshot.takenAt, anchorOf(cause, index, causes)));
  const rest = causes.slice(MOST_CARDS);
  if (rest.length === 0) return cards;
  const lines = rest.map(
    (cause, index) =>
      html`<li id="${anchorOf(cause, MOST_CARDS + index, causes)}">
        <b>${cause.id}</b>: ${cause.summary}
      </li>`,
  );
  return [
    ...cards,
    html`<h2>${rest.length} more causes</h2>
      <ul>
        ${lines}
      </ul>`,
  ];
}

/** Links go to the first card of a cause; an id may stand only once on a page. */
function anchorOf({ id }: Cause, index: number, causes: readonly Cause[]): string {
  const first = causes.findIndex((cause) => cause.id === id);
  return first === index ? id : `${id}-${index}`;
}

function causeCard(cause: Cause, now: number, anchor: string): Html {
  const { id, severity, confidence, title, summary, since, evidence, ruledOut, fix, resolvedWhen } =
    cause;
  return html`<article class="cause ${severity}" id="${anchor}">
    <h3>${title}</h3>
    <p class="meta">
      <span class="tag">${severity}</span> · ${id} · ${confidence} · since
      ${durationText((now - since) / 1000)}
    </p>
    <dl>
      <dt>What</dt>
      <dd>${summary}</dd>
      <dt>Evidence</dt>
      <dd>
        <ul>
          ${evidence.map(({ check, text }) => html`<li>${text} <small>(${check})</small></li>`)}
        </ul>
      </dd>
      ${
        ruledOut.length === 0
          ? undefined
          : html`<dt>Ruled out</dt>
              <dd>${ruledOut.map((item) => `${item.id} (${item.because})`).join(', ')}</dd>`
      }
      <dt>What to do</dt>
      <dd>
        <ol>
          ${fix.map(({ text, command }) => html`<li>${text}${command === undefined ? undefined : html`<pre>${command}</pre>`}</li>`)}
        </ol>
      </dd>
      <dt>Resolved</dt>
      <dd>when ${resolvedWhen}</dd>
    </dl>
  </article>`;
}

function candidatesOf({ diagnosis }: View): Html | undefined {
  if (diagnosis.candidates.length === 0) return undefined;
  return html`<h2>Candidates</h2>
    <ul>
      ${diagnosis.candidates.map(({ id, missing }) => html`<li><b>${id}</b>: ${missing}</li>`)}
    </ul>`;
}

function runnersTable(runners: readonly RunnerVerdict[]): Html {
  const rows = runners.map(
    ({ runner, name, executor, url, chain, cause }) =>
      html`<tr>
        <td><b>${name}</b><small>${runner} · ${executor}</small></td>
        <td>${url}</td>
        <td>
          <div class="chain">
            ${Object.entries(chain).map(([link, status]) => html`<span class="link ${status}" title="${status}">${link} ${status === 'pass' ? '✓' : status}</span>`)}
          </div>
        </td>
        <td>${cause === undefined ? '' : html`<a href="#${cause}">${cause}</a>`}</td>
      </tr>`,
  );
  const none = html`<tr>
    <td colspan="4">config.toml has no entry that can be watched</td>
  </tr>`;
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          <th>Runner</th>
          <th>GitLab</th>
          <th>The way there</th>
          <th>Cause</th>
        </tr>
      </thead>
      <tbody>
        ${rows.length === 0 ? none : rows}
      </tbody>
    </table>
  </div>`;
}

function checksTable({ snapshot, diagnosis }: View): Html {
  const rows = snapshot.checks.map((state) => checkRow(state, snapshot.takenAt, diagnosis.causes));
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          <th>Check</th>
          <th>Status</th>
          <th>What was seen</th>
          <th>Looked</th>
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
}

function checkRow(
  { check, finding, last }: CheckState,
  now: number,
  causes: readonly Cause[],
): Html {
  const measures = Object.entries(finding.measures ?? {})
    .flatMap(([name, value]) =>
      value === undefined ? [] : [`${measureName(name)} ${measureText(name, value)}`],
    )
    .join(', ');
  const explained = finding.status === 'pass' ? undefined : explanationOf(check.id, causes);
  const looked =
    last === undefined ? 'not yet' : `${durationText((now - last.startedAt) / 1000)} ago`;
  return html`<tr class="${finding.status}">
    <td><b>${check.probe.title}</b><small>${check.target.id}</small></td>
    <td class="status">${finding.status}</td>
    <td>
      ${finding.status === 'pass' ? measures : finding.detail}${finding.status !== 'pass' && measures !== '' ? html`<small>${measures}</small>` : undefined}${explained === undefined ? undefined : html`<small>explained by <a href="#${explained}">${explained}</a></small>`}
    </td>
    <td>${looked}<small>every ${durationText(check.intervalSeconds)}</small></td>
  </tr>`;
}

function footerOf({ self, snapshot }: View): Html {
  const facts = Object.entries(self.hostFacts).map(
    ([name, value]) =>
      `${measureName(name)} ${typeof value === 'number' ? measureText(name, value) : value}`,
  );
  const settings = self.settings.successful
    ? undefined
    : html`<p class="fail">
        <span class="tag">The settings file was not reloaded: ${self.settings.problem ?? ''}</span>
      </p>`;
  return html`<footer>
    ${settings}
    <p>${facts.join(' · ')}</p>
    <p>
      runnerwatch ${self.version}, since ${durationText((snapshot.takenAt - self.startedAt) / 1000)}
      · <a href="/health">/health</a> · <a href="/health?format=text">as text</a> ·
      <a href="/metrics">/metrics</a> · <a href="/api/v1/report">/api/v1/report</a>
    </p>
  </footer>`;
}
