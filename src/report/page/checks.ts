/** Every check in a table, folded until the reader opens it. */
import type { CheckState } from '../../core/check.ts';
import type { Cause } from '../../core/diagnosis.ts';
import type { View } from '../../core/view.ts';
import { explanationOf } from '../document.ts';
import type { Html } from './html.ts';
import { html } from './html.ts';
import { formatDuration } from '../../core/duration-text.ts';
import { measureName, formatMeasure, STATUS_NAMES } from '../format.ts';

/** With many entries the checks that pass are left out: the chains show them. */
const MAX_ROWS = 60;

export function checksTable({ snapshot, diagnosis }: View): Html {
  const { checks, takenAt } = snapshot;
  const isFew = checks.length <= MAX_ROWS;
  const shown = isFew ? checks : checks.filter(({ finding }) => finding.status !== 'pass');
  const rows = shown.slice(0, MAX_ROWS).map((state) => checkRow(state, takenAt, diagnosis.causes));
  const left = checks.length - rows.length;
  return html`<section aria-labelledby="h-checks">
    <h2 id="h-checks">Checks</h2>
    <details id="checks">
      <summary>${countsOf(checks)}</summary>
      <div class="scroll" tabindex="0" role="region" aria-labelledby="h-checks">
        <table>
          <thead>
            <tr>
              <th scope="col">Check</th>
              <th scope="col">Status</th>
              <th scope="col">Result</th>
              <th scope="col">Last run</th>
            </tr>
          </thead>
          <tbody>
            ${rows}
          </tbody>
        </table>
      </div>
      ${left > 0 ? html`<p>${left} more: see <a href="/api/v1/report">the report</a>.</p>` : undefined}
    </details>
  </section>`;
}

/** `12 pass, 1 fail`. */
function countsOf(checks: readonly CheckState[]): string {
  const groups = Map.groupBy(checks, ({ finding }) => finding.status);
  const parts = [...groups].map(([status, own]) => `${own.length} ${status}`);
  return parts.join(', ') || 'no checks yet';
}

function checkRow(
  { check, finding, last }: CheckState,
  now: number,
  causes: readonly Cause[],
): Html {
  const measures = Object.entries(finding.measures ?? {})
    .flatMap(([name, value]) =>
      value === undefined ? [] : [`${measureName(name)} ${formatMeasure(name, value)}`],
    )
    .join(', ');
  const isPass = finding.status === 'pass';
  const explained = isPass ? undefined : explanationOf(check.id, causes);
  const ranAt =
    last === undefined ? 'not run yet' : `${formatDuration((now - last.startedAt) / 1000)} ago`;
  return html`<tr class="${finding.status}">
    <td><b>${check.probe.title}</b><small>${check.target.id}</small></td>
    <td class="tag">${STATUS_NAMES[finding.status]}</td>
    <td>
      ${isPass ? measures : finding.detail}${!isPass && measures !== '' ? html`<small>${measures}</small>` : undefined}${explained === undefined ? undefined : html`<small>explained by <a href="#${explained}">${explained}</a></small>`}
    </td>
    <td>${ranAt}<small>every ${formatDuration(check.intervalSeconds)}</small></td>
  </tr>`;
}
