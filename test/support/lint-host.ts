/** A host for the rules that use more than the text: files, a process, its environment. */
import { expect, test } from 'vitest';

import type { RunnerProcess } from '../../src/core/reading.ts';
import type { FileFact, FileFacts, LintContext } from '../../src/lint/context.ts';
import { lintText } from './lint-text.ts';
import { LINT_NOW } from './lint-cases.ts';

export const CONFIG_PATH = '/etc/gitlab-runner/config.toml';

export const PROCESS: RunnerProcess = {
  pid: 812,
  uid: 0,
  groups: [0],
  startedAt: LINT_NOW - 86_400_000,
  state: 'S',
  arguments: ['gitlab-runner', 'run', '--user', 'gitlab-runner'],
  environment: {},
  workingDirectory: '/home/gitlab-runner',
  configPath: CONFIG_PATH,
  configFoundBy: 'default',
};

/** A file of root with its content; give what is different. */
export function fileFact(
  over: Partial<Extract<FileFact, { readonly mode: number }>> = {},
): FileFact {
  return { kind: 'file', mode: 0o600, uid: 0, gid: 0, modifiedAt: 0, content: '', ...over };
}

/** Everything that is not named is missing. */
export function filesOf(files: Readonly<Record<string, FileFact>>): FileFacts {
  const answer = (path: string): FileFact => files[path] ?? { kind: 'missing' };
  return { stat: answer, read: answer };
}

export interface LintHost extends Omit<Partial<LintContext>, 'files'> {
  readonly files?: Readonly<Record<string, FileFact>>;
}

/** `rule message` of every finding of some rules. */
export function findingsOn(
  text: string,
  { files, ...rest }: LintHost,
  ...rules: readonly string[]
): readonly string[] {
  const context: LintContext = {
    now: LINT_NOW,
    ...rest,
    ...(files === undefined ? {} : { files: filesOf(files) }),
  };
  return lintText(text, CONFIG_PATH, context)
    .findings.filter(({ rule }) => rules.includes(rule))
    .map(({ rule, message }) => `${rule} ${message}`);
}

export const ENTRY =
  '[[runners]]\n  name = "a"\n  url = "https://gitlab.internal/"\n  token = "glrt-0123456789abcdefghij"\n';

export interface LintRow {
  readonly name: string;
  readonly rule: string;
  readonly text?: string;
  readonly host: LintHost;
  /** The expected findings; none by default. */
  readonly found?: string;
}

/** One test for each row. */
export function testRows(rows: readonly LintRow[]): void {
  test.each(rows.map((row) => [row.name, row] as const))(
    '%s',
    (_name, { rule, text, host, found }) => {
      const findings = findingsOn(text ?? ENTRY, host, rule);

      expect(findings).toEqual(found === undefined ? [] : [`${rule} ${found}`]);
    },
  );
}
