/** Each entry of config.toml as a chain of links from this host to its GitLab; failing ones first. */
import type { CheckState } from '../../core/check.ts';
import { checkId } from '../../core/check.ts';
import type { RunnerVerdict } from '../../core/diagnosis.ts';
import { allRunners } from '../../core/host-context.ts';
import type { View } from '../../core/view.ts';
import { isStopped, isWorking } from '../../core/verdict.ts';
import type { Link, Status } from '../../core/vocabulary.ts';
import { truncateText } from '../../core/columns.ts';
import type { Html } from './html.ts';
import { html } from './html.ts';
import { executorStatus, LINK_NAMES, formatMeasure, STATUS_NAMES } from '../format.ts';

/** The first entries have details, further ones only the chain, so that the page stays small. */
const MAX_DETAILS = 12;
/** The worst entries have a card; the rest is counted. */
const MAX_CARDS = 60;
/** A longer name is cut; the report has it whole. */
const MAX_NAME_LENGTH = 80;

interface Step {
  readonly link: Link;
  readonly status: Status;
  readonly state: CheckState | undefined;
}

export function runnerCards({ diagnosis: { runners }, snapshot }: View): Html {
  const states = new Map(snapshot.checks.map((state) => [state.check.id, state]));
  const endpoints = new Map(
    allRunners(snapshot.hostContext).map(({ id, endpoint }) => [id, endpoint]),
  );
  const worstFirst = runners.toSorted((a, b) => summarizeTrouble(a) - summarizeTrouble(b));
  const cards = worstFirst.slice(0, MAX_CARDS).map((runner, index) => {
    const steps = stepsOf(runner, endpoints.get(runner.runner), states);
    return runnerCard(runner, steps, index < MAX_DETAILS);
  });
  return html`<section aria-labelledby="h-runners">
    <h2 id="h-runners">Runners</h2>
    ${cards.length === 0 ? html`<p>config.toml has no runner entry that can be checked.</p>` : undefined}
    <div class="runners">${cards}</div>
    ${countOf(worstFirst.slice(MAX_CARDS))}
  </section>`;
}

/** The entries without a card, counted by state. */
function countOf(rest: readonly RunnerVerdict[]): Html | undefined {
  if (rest.length === 0) return undefined;
  const tones = Map.groupBy(rest, (one) => stateOf(one));
  const said = [...tones]
    .map(([tone, group]) => `${group.length} ${STATE_LABELS[tone]}`)
    .join(', ');
  return html`<p>
    And ${rest.length} more: ${said}. See
    <a href="/api/v1/report">the report</a> or <code>/health/RUNNER</code>.
  </p>`;
}

const STATE_LABELS = {
  'cut-off': 'do not reach GitLab',
  'no-jobs': 'can run no jobs',
  unknown: 'are not fully checked',
  working: 'work',
} as const;

type EntryLabel = keyof typeof STATE_LABELS;

const TONES: Readonly<Record<EntryLabel, Status>> = {
  'cut-off': 'fail',
  'no-jobs': 'fail',
  unknown: 'unknown',
  working: 'pass',
};

function stateOf(runner: RunnerVerdict): EntryLabel {
  if (runner.connected === false) return 'cut-off';
  if (runner.canRunJobs === false) return 'no-jobs';
  return isWorking(runner) ? 'working' : 'unknown';
}

/** Stopped, then with a cause, then unknown, then healthy. */
function summarizeTrouble(runner: RunnerVerdict): number {
  if (isStopped(runner)) return 0;
  if (runner.cause !== undefined) return 1;
  return isWorking(runner) ? 3 : 2;
}

function stepsOf(
  { runner, chain }: RunnerVerdict,
  endpoint: string | undefined,
  states: ReadonlyMap<string, CheckState>,
): readonly Step[] {
  return Object.entries(chain).map(([link, status]) => ({
    link: link as Link,
    status,
    state: states.get(checkId(link, link === 'token' ? runner : (endpoint ?? ''))),
  }));
}

function runnerCard(verdict: RunnerVerdict, steps: readonly Step[], hasDetails: boolean): Html {
  const { runner, name, executor, url, cause } = verdict;
  const links = [
    ...steps.map(({ link, status }) => [LINK_NAMES[link], status] as const),
    ['executor', executorStatus(verdict)] as const,
  ].map(
    ([label, status]) =>
      html`<li class="${status}"><i></i>${label}<b> ${STATUS_NAMES[status]}</b></li>`,
  );
  return html`<article class="runner ${TONES[stateOf(verdict)]}">
    <h3>${truncateText(name, MAX_NAME_LENGTH)}</h3>
    <p class="meta">${runner} · ${truncateText(executor, MAX_NAME_LENGTH)}<br />${url}</p>
    <ol class="chain">
      ${links}
    </ol>
    ${whyOf(steps, cause)} ${hasDetails ? detailsOf(runner, steps) : undefined}
  </article>`;
}

/** The first link that does not pass, and a link to the cause. */
function whyOf(steps: readonly Step[], cause: string | undefined): Html | undefined {
  const first =
    steps.find(({ status }) => status === 'fail') ??
    steps.find(({ status }) => status === 'warn' || status === 'unknown');
  if (first === undefined && cause === undefined) return undefined;
  const said =
    first === undefined
      ? undefined
      : html`<span class="${first.status}"
          ><b class="tag">${LINK_NAMES[first.link]} ${STATUS_NAMES[first.status]}</b>:
          ${detailOf(first.state)}</span
        >`;
  return html`<p class="why">
    ${said} ${cause === undefined ? undefined : html`<br />Cause: <a href="#${cause}">${cause}</a>`}
  </p>`;
}

function detailsOf(runner: string, steps: readonly Step[]): Html {
  const rows = steps.map(
    ({ link, status, state }) =>
      html`<dt class="${status}">${LINK_NAMES[link]} <b class="tag">${STATUS_NAMES[status]}</b></dt>
        <dd>${detailOf(state) || timesOf(state)}</dd>`,
  );
  return html`<details id="links-${runner.replaceAll(/[^\w-]/g, '_')}">
    <summary>All links<b class="away"> of ${runner}</b></summary>
    <dl>${rows}</dl>
  </details>`;
}

function detailOf(state: CheckState | undefined): string {
  return state === undefined || state.finding.status === 'pass' ? '' : state.finding.detail;
}

/** How long it took. */
function timesOf(state: CheckState | undefined): string {
  return Object.entries(state?.finding.measures ?? {})
    .flatMap(([name, value]) =>
      value === undefined || !/(?<!timestamp)_seconds$/.test(name)
        ? []
        : [formatMeasure(name, value)],
    )
    .slice(0, 1)
    .join('');
}
