/** What the linter says of config.toml, on the page: every finding with its line and what to write. */
import type { LintFinding } from '../../core/lint.ts';
import type { View } from '../../core/view.ts';
import type { Html } from './html.ts';
import { html } from './html.ts';

const TONES = { error: 'fail', warning: 'warn', info: 'info' } as const;
const MOST = 30;

/** Nothing until the linter has answered, and nothing where it found nothing. */
export function lintOf({ snapshot }: View): Html | undefined {
  const { lint, configPath } = snapshot.hostContext;
  if (lint === undefined || lint.findings.length === 0) return undefined;
  const more = lint.findings.length - MOST;
  return html`<section aria-labelledby="lint">
    <h2 id="lint">config.toml</h2>
    <p>Type <code>runnerwatch lint ${configPath}</code> for the lines and their meaning.</p>
    <div class="scroll" tabindex="0" role="region" aria-labelledby="lint">
      <table>
        <thead>
          <tr>
            <th scope="col">Rule</th>
            <th scope="col">Line</th>
            <th scope="col">Finding</th>
            <th scope="col">Write</th>
          </tr>
        </thead>
        <tbody>
          ${lint.findings.slice(0, MOST).map((finding) => row(finding))}
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
