/** Causes that the linter finds in a config.toml that loads. */
import type { CauseContext, CauseSpec } from '../cause-spec.ts';
import { step } from '../../core/diagnosis.ts';
import { AT_ONCE, family, onHost } from '../cause-spec.ts';
import { trustCertificate } from './commands.ts';

const lintCause = family({
  severity: 'notice',
  scope: 'config',
  resolvedWhen: 'lint no longer reports it',
});

const lint = (c: CauseContext) =>
  step(
    'Read what each finding means and what to write instead.',
    `sudo runnerwatch lint ${onHost(c, c.config)}`,
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
    title: 'The executor of a runner entry does not exist',
    meaning:
      'The runner requires the exact name of an executor. With any other name it requests no jobs for the entry and disables it after three attempts.',
    evidence: 'The value in the file.',
    notConfusedWith: ['token-rejected'],
    changedBy: ['config-executor'],
    from: [],
    confirm: AT_ONCE,
    stopsJobs: true,
    says: (c) => `line ${c.fact('line')} of ${c.config} has an executor that does not exist`,
    fix: (c) => [correct(c), lint(c)],
    suppresses: ['runner-disabled-unhealthy'],
  }),
  lintCause({
    id: 'config-executor-section-missing',
    severity: 'warning',
    title: 'The section of an executor is missing',
    meaning:
      'The entry requests jobs, and every job fails at once; entries with an autoscaling executor do not even request jobs.',
    evidence: 'The executor of the entry, and no section with its name in the entry.',
    notConfusedWith: ['config-type-error', 'config-syntax-error'],
    changedBy: ['config', 'config-executor'],
    from: [],
    confirm: AT_ONCE,
    stopsJobs: true,
    says: (c) =>
      `a runner entry in ${c.config} has no section for its executor (line ${c.fact('line')})`,
    fix: (c) => [
      edit(c, `Add ${c.fact('corrected')} to the entry in line ${c.fact('line')}.`),
      lint(c),
    ],
  }),
  lintCause({
    id: 'config-unknown-key',
    severity: 'critical',
    title: 'The runner silently ignores a key in config.toml',
    meaning:
      'The key is unknown or in the wrong section, so it has no effect. It counts as the cause only if it explains the failure; otherwise it is a notice.',
    evidence: 'The path of the key; and for a cause, a failure that the key would have prevented.',
    notConfusedWith: ['tls-unknown-authority'],
    changedBy: ['config'],
    from: [],
    confirm: AT_ONCE,
    says: (c) =>
      `the runner silently ignores ${c.fact('key')} in line ${c.fact('line')} of ${c.config}`,
    fix: (c) => [correct(c), lint(c)],
    suppresses: ['tls-unknown-authority', 'tls-self-signed'],
  }),
  lintCause({
    id: 'config-setting-ineffective',
    title: 'A setting in config.toml does not have the intended effect',
    meaning:
      "No key in config.toml turns off the verification of GitLab's certificate. `tls_verify` only affects the connection to Docker.",
    evidence: "The key, while the runner rejects GitLab's certificate.",
    notConfusedWith: ['config-type-error'],
    changedBy: ['config'],
    from: [],
    confirm: AT_ONCE,
    says: (c) =>
      `${c.fact('key')} in line ${c.fact('line')} of ${c.config} has no effect on GitLab's certificate`,
    fix: (c) => [
      edit(c, `Remove line ${c.fact('line')}.`),
      step(
        "Instead, get the root certificate of GitLab's authority in PEM format from its administrator, as root.pem.",
      ),
      ...trustCertificate(c, 'root.pem'),
    ],
  }),
  lintCause({
    id: 'config-concurrency-starvation',
    title: '`concurrent` is lower than the number of runner entries',
    meaning:
      'Entries wait for each other while GitLab holds a request open; the runner logs a warning at each load.',
    evidence: '`concurrent` and the number of [[runners]] in the file.',
    notConfusedWith: ['jobs-capacity-saturated', 'config-concurrent-zero'],
    changedBy: ['config'],
    from: [],
    confirm: AT_ONCE,
    says: (c) => `${c.fact('message')} in ${c.config}`,
    fix: (c) => [edit(c, `Write ${c.fact('corrected')}.`)],
    suppresses: ['jobs-capacity-saturated'],
  }),
];
