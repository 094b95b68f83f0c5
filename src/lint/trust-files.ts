/**
 * The files that the trust of an entry hangs on, as the runner names them:
 * docs/reference/runner-config.md#trust-and-identity-towards-gitlab.
 */
import { baseUrlOf } from '../config/runner/base-url.ts';
import type { LintContext } from './context.ts';
import { asRunnerSees } from './context.ts';
import { expandedAt } from './entry-values.ts';
import { filledAt } from './reading.ts';
import type { Section } from './subject.ts';

const ROOT_CERTS = '/etc/gitlab-runner/certs';

/** The file that a key names, read. */
export function fileOf({ table }: Section, key: string, context: LintContext) {
  const found = filledAt(table, key);
  const path = found === undefined ? undefined : asRunnerSees(found.value, context);
  const fact = path === undefined ? undefined : context.files?.read(path);
  return found === undefined || fact === undefined ? undefined : { entry: found.entry, fact };
}

/** The host as the runner names its files: what stands before the first colon. */
export function hostOf(section: Section, context: LintContext): string | undefined {
  const text = expandedAt(section, 'url', context)?.text;
  const base = text === undefined ? undefined : baseUrlOf(text);
  return base?.ok === true && base.url.protocol === 'https:' ? base.url.hostname : undefined;
}

/** Where this process looks for files of hosts, and where a process of another user would. */
export function certFolders({ process, environment }: LintContext): readonly [string, string] {
  const home = `${environment?.['HOME'] ?? '/root'}/.gitlab-runner/certs`;
  return process === undefined || process.uid === 0 ? [ROOT_CERTS, home] : [home, ROOT_CERTS];
}
