/** The worst lint findings of config.toml for the text of `check`, one line each. */
import type { RunnerContext } from '../../core/host-context.ts';
import type { LintFinding } from '../../core/lint.ts';
import { LINT_SEVERITIES } from '../../core/lint.ts';
import { hostArgument } from '../../core/place.ts';
import type { View } from '../../core/view.ts';

const MAX_FINDINGS = 5;

/** At most MAX_FINDINGS findings of each config.toml; notes are left to `runnerwatch lint`. */
export function lintLines({ snapshot }: View): readonly string[] {
  return snapshot.hostContext.contexts.flatMap((context) => linesOf(context));
}

function linesOf({ lint, configPath, place }: RunnerContext): readonly string[] {
  const worth = (lint?.findings ?? [])
    .filter(({ severity }) => severity !== 'info')
    .toSorted((a, b) => rankOf(a) - rankOf(b));
  if (worth.length === 0) return [];
  const shown = worth.slice(0, MAX_FINDINGS).map(({ rule, severity, line, message }) => {
    const where = line === undefined ? '' : `line ${line}: `;
    return `${severity} ${rule}  ${where}${message}`;
  });
  const rest = worth.length - shown.length;
  // Its program is in a container that the host may call by any name.
  if (place.isWatchedFromContainer === true) return rest > 0 ? [...shown, `${rest} more`] : shown;
  return [
    ...shown,
    `${rest > 0 ? `${rest} more: ` : ''}sudo runnerwatch lint ${hostArgument(place, configPath)}`,
  ];
}

function rankOf({ severity }: LintFinding): number {
  return LINT_SEVERITIES.indexOf(severity);
}
