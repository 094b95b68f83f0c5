/** Causes that the linter finds in a config.toml that loads. */
import type { CauseContext, CauseSpec } from '../cause-spec.ts';
import { step } from '../../core/diagnosis.ts';
import { AT_ONCE, family, onHost } from '../cause-spec.ts';

const lintCause = family({
  severity: 'notice',
  scope: 'config',
  resolvedWhen: 'lint no longer finds it',
});

const lint = (c: CauseContext) =>
  step(
    'Read what each finding means, and what to write.',
    `runnerwatch lint ${onHost(c, c.config)}`,
  );

const edit = (c: CauseContext, text: string) => step(text, `sudoedit ${onHost(c, c.config)}`);

/** Some lines can only be removed. */
const correct = (c: CauseContext) => {
  const right = c.fact('corrected');
  return edit(
    c,
    `Correct line ${c.fact('line')}${right === '' ? ', or remove it.' : `: ${right}`}`,
  );
};

export const LINT_CAUSES: readonly CauseSpec[] = [
  lintCause({
    id: 'config-executor-unknown',
    severity: 'critical',
    title: 'The executor of an entry does not exist',
    meaning:
      'The runner knows executors by their exact names. With any other it never asks GitLab for the entry, and disables it after three tries.',
    evidence: 'The value in the file.',
    notConfusedWith: ['token-rejected'],
    from: [],
    confirm: AT_ONCE,
    says: (c) => `${c.config} names an executor that does not exist (line ${c.fact('line')})`,
    fix: (c) => [correct(c), lint(c)],
    suppresses: ['runner-disabled-unhealthy'],
  }),
  lintCause({
    id: 'config-executor-section-missing',
    severity: 'warning',
    title: 'The table of an executor is missing',
    meaning:
      'The entry asks for jobs, and every one of them fails at once; entries that scale by themselves do not even ask.',
    evidence: 'The executor of the entry, and no table of its name below it.',
    notConfusedWith: ['config-type-error', 'config-syntax-error'],
    from: [],
    confirm: AT_ONCE,
    says: (c) => `an entry in ${c.config} lacks the table of its executor (line ${c.fact('line')})`,
    fix: (c) => [
      edit(c, `Add ${c.fact('corrected')} below the entry of line ${c.fact('line')}.`),
      lint(c),
    ],
  }),
  lintCause({
    id: 'config-unknown-key',
    severity: 'critical',
    title: 'The runner ignores a key in config.toml',
    meaning:
      'A key that the runner does not know, or that stands in the wrong table, is ignored without a word. It is the root only where it explains the failure; else it is a notice.',
    evidence: 'The path of the key; and for the root a failure that the key would have prevented.',
    notConfusedWith: ['tls-unknown-authority'],
    from: [],
    confirm: AT_ONCE,
    says: (c) => `the runner ignores ${c.fact('key')} in line ${c.fact('line')} of ${c.config}`,
    fix: (c) => [correct(c), lint(c)],
    suppresses: ['tls-unknown-authority', 'tls-self-signed'],
  }),
  lintCause({
    id: 'config-setting-ineffective',
    title: 'A setting in config.toml does not do what it is there for',
    meaning:
      'No key of config.toml turns off the verification of GitLab’s certificate: `tls_verify` is about the connection to Docker.',
    evidence: 'The key, while GitLab’s certificate is refused.',
    notConfusedWith: ['config-type-error'],
    from: [],
    confirm: AT_ONCE,
    says: (c) => `${c.fact('key')} in line ${c.fact('line')} of ${c.config} changes nothing here`,
    fix: (c) => [
      edit(c, `Remove line ${c.fact('line')}.`),
      step(
        'Trust the authority of GitLab’s certificate instead.',
        `sudo install -D -m 0644 authority.pem ${onHost(c, `${c.place.files.certs}/${c.host}.crt`)}`,
      ),
    ],
  }),
  lintCause({
    id: 'config-concurrency-starvation',
    title: '`concurrent` is below the number of entries',
    meaning:
      'Entries wait for each other while GitLab holds a request open; the runner warns of it at each load.',
    evidence: '`concurrent` and the number of [[runners]] in the file.',
    notConfusedWith: ['jobs-capacity-saturated', 'config-concurrent-zero'],
    from: [],
    confirm: AT_ONCE,
    says: (c) => `${c.fact('message')} in ${c.config}`,
    fix: (c) => [edit(c, `Write ${c.fact('corrected')}.`)],
    suppresses: ['jobs-capacity-saturated'],
  }),
];
