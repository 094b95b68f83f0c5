/** Lint findings of config.toml on the page, each with its line and correction. */
import type { RunnerContext } from '../../core/host-context.ts';
import type { LintFinding } from '../../core/lint.ts';
import type { Place } from '../../core/place.ts';
import { hostArgument } from '../../core/place.ts';
import type { View } from '../../core/view.ts';
import type { Html } from './html.ts';
import { html } from './html.ts';

const TONES = { error: 'fail', warning: 'warn', info: 'info' } as const;
const MAX_FINDINGS = 30;

/** One table for each config.toml that the linter has found something in. */
export function lintOf({ snapshot }: View): readonly (Html | undefined)[] {
  return snapshot.hostContext.contexts.map((context, index) => tableOf(context, index));
}

/** Not where our program is in a container, which the host may call by any name. */
function linesOf(place: Place, configPath: string): Html {
  return html`<p>
    Run <code>sudo runnerwatch lint ${hostArgument(place, configPath)}</code> to see the lines and
    what they mean.
  </p>`;
}

function tableOf({ lint, configPath, place }: RunnerContext, index: number): Html | undefined {
  if (lint === undefined || lint.findings.length === 0) return undefined;
  const id = index === 0 ? 'lint' : `lint-${index + 1}`;
  const more = lint.findings.length - MAX_FINDINGS;
  return html`<section aria-labelledby="${id}">
    <h2 id="${id}">config.toml</h2>
    ${place.isWatchedFromContainer === true ? undefined : linesOf(place, configPath)}
    <div class="scroll" tabindex="0" role="region" aria-labelledby="${id}">
      <table>
        <thead>
          <tr>
            <th scope="col">Rule</th>
            <th scope="col">Line</th>
            <th scope="col">Finding</th>
            <th scope="col">Write instead</th>
          </tr>
        </thead>
        <tbody>
          ${lint.findings.slice(0, MAX_FINDINGS).map((finding) => row(finding))}
        </tbody>
      </table>
    </div>
    ${more > 0 ? html`<p>${more} more.</p>` : undefined}
  </section>`;
}

function row({ rule, severity, line, message, consequence, corrected }: LintFinding): Html {
  return html`<tr>
    <td class="${TONES[severity]}"><span class="tag">${severity}</span> ${rule}</td>
    <td>${line === undefined ? '' : String(line)}</td>
    <td>${message}<small>${consequence}</small></td>
    <td>${corrected === undefined ? '' : html`<code>${corrected}</code>`}</td>
  </tr>`;
}
