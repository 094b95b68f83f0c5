/**
 * The status page: the whole report on one page. Verdict first, then causes and fixes, then the rest. It needs
 * no script, and it only renders a view.
 */
import type { RunnerContext } from '../../core/host-context.ts';
import { formatDuration } from '../../core/duration-text.ts';
import { RESTART_OWN_SERVICE } from '../../core/own-service.ts';
import type { View } from '../../core/view.ts';
import type { Verdict } from '../../core/vocabulary.ts';
import type { Html } from './html.ts';
import { html } from './html.ts';
import { lintOf } from './lint.ts';
import { candidatesOf, causeCards } from './causes.ts';
import { checksTable } from './checks.ts';
import { gaugesOf } from './host.ts';
import { incidentsOf, timelineOf } from './past.ts';
import { runnerCards } from './runners.ts';
import { STYLE_ELEMENT } from './style.ts';
import { phasePlots } from './phases.ts';
import { FOUND_BY_TEXT, measureName, formatMeasure, processText } from '../format.ts';

/** Without a script the whole page is reloaded, which closes opened parts: less often than with the script. */
const REFRESH_SECONDS = 15;

const MARKS: Readonly<Record<Verdict, string>> = {
  healthy: '✓',
  degraded: '!',
  broken: '✕',
  unsure: '?',
};

export function pageOf(view: View): string {
  const { diagnosis, snapshot } = view;
  const { host } = snapshot.hostContext;
  const body = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <noscript><meta http-equiv="refresh" content="${REFRESH_SECONDS}" /></noscript>
        <title>${diagnosis.verdict}: ${host}</title>
        ${STYLE_ELEMENT}
        <script src="page.js" defer></script>
      </head>
      <body>
        <div id="stale" class="banner fail" role="status" hidden></div>
        <main>
          ${bannersOf(view)} ${headerOf(view)}
          <section class="verdict ${diagnosis.verdict}" aria-label="Verdict">
            <span class="mark" aria-hidden="true">${MARKS[diagnosis.verdict]}</span>
            <h1>${diagnosis.verdict}</h1>
            <p>${diagnosis.summary}</p>
          </section>
          ${causeCards(view)} ${candidatesOf(view)} ${runnerCards(view)} ${gaugesOf(view)}
          ${phasePlots(view)} ${timelineOf(view)} ${incidentsOf(view)} ${lintOf(view)}
          ${checksTable(view)} ${footerOf(view)}
        </main>
      </body>
    </html>`;
  return body.text;
}

function bannersOf({ self, diagnosis }: View): readonly (Html | undefined)[] {
  const settings = self.settings.problem ?? '';
  return [
    self.demo
      ? html`<p class="banner warn">This is a demo: GitLab and the runner are simulated.</p>`
      : undefined,
    self.alive
      ? undefined
      : html`<p class="banner fail" role="alert">
          runnerwatch makes no progress, so this page may be outdated. Restart it:
          ${RESTART_OWN_SERVICE}
        </p>`,
    self.alive && !self.ready && diagnosis.verdict === 'unsure'
      ? html`<p class="banner warn">The first round of checks is not complete yet.</p>`
      : undefined,
    self.settings.successful
      ? undefined
      : html`<p class="banner fail">The settings file was not reloaded: ${settings}</p>`,
    self.settings.needRestart.length === 0
      ? undefined
      : html`<p class="banner warn">
          Changed in the settings file, and in effect after a restart of runnerwatch
          (${RESTART_OWN_SERVICE}): ${self.settings.needRestart.join(', ')}
        </p>`,
  ];
}

function headerOf({ snapshot }: View): Html {
  const { host, contexts } = snapshot.hostContext;
  const taken = new Date(snapshot.takenAt).toISOString();
  return html`<header>
    <b>runnerwatch</b> <span>${host}</span>
    ${contexts.map((context) => contextSpans(context))}
    <time datetime="${taken}">${taken.slice(0, 19).replace('T', ' ')} UTC</time>
  </header>`;
}

function contextSpans({ configPath, configFoundBy, process: runner }: RunnerContext): Html {
  return html`<span>${configPath} (${FOUND_BY_TEXT[configFoundBy]})</span>
    <span>${processText(runner)}</span>`;
}

function footerOf({ self, snapshot }: View): Html {
  const facts = Object.entries(self.hostFacts).map(
    ([name, value]) =>
      `${measureName(name)} ${typeof value === 'number' ? formatMeasure(name, value) : value}`,
  );
  return html`<footer>
    <p>${facts.join(' · ')}</p>
    <p>
      runnerwatch ${self.version}, up ${formatDuration((snapshot.takenAt - self.startedAt) / 1000)}
      ·
      <a href="/health">/health</a> · <a href="/health?format=text">as text</a> ·
      <a href="/metrics">/metrics</a> · <a href="/api/v1/report">/api/v1/report</a> ·
      <a href="/api/v1/incidents">/api/v1/incidents</a>
    </p>
  </footer>`;
}
