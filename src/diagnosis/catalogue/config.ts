/** Causes in config.toml. What a file says needs no repetition. */
import type { CauseContext, CauseSpec } from '../cause-spec.ts';
import { step } from '../../core/diagnosis.ts';
import { quoted } from '../../core/shell.ts';
import { AT_ONCE, family, onHost, setVariable } from '../cause-spec.ts';

const configCause = family({
  severity: 'critical',
  scope: 'config',
  resolvedWhen: 'the config check passes',
});

const lint = (c: CauseContext) =>
  step('Check it before any restart.', `runnerwatch lint ${onHost(c, c.config)}`);

const edit = (c: CauseContext, text: string) => step(text, `sudoedit ${onHost(c, c.config)}`);

const userOf = ({ place }: CauseContext) => `the user of the runner (${place.user.name})`;
/** Where the file as a whole is wrong there is no line. */
const lineOf = (c: CauseContext) => {
  const line = c.optional('line');
  return line === undefined ? '' : ` (line ${line})`;
};

const correct = (c: CauseContext) => {
  const line = c.optional('line');
  return edit(c, line === undefined ? 'Correct the file.' : `Correct line ${line}.`);
};

export const CONFIG_CAUSES: readonly CauseSpec[] = [
  configCause({
    id: 'config-missing',
    title: 'The runner’s config.toml is not there',
    meaning:
      'The runner starts without it, idles with no entry at all, and logs an error every three seconds.',
    evidence: 'No file at the path the runner was started with; a folder in its place is none.',
    notConfusedWith: ['config-wrong-file', 'monitor-blind'],
    from: ['config/missing', 'config/not-a-file'],
    confirm: AT_ONCE,
    says: (c) => `there is no file ${c.config}`,
    fix: (c) => [
      step('Restore it from a backup, or mount it.', `ls -la "$(dirname ${onHost(c, c.config)})"`),
      step(
        'Is it somewhere else? With which file was the runner started?',
        "pgrep -af 'gitlab-runner.* run'",
      ),
    ],
  }),
  configCause({
    id: 'config-unreadable',
    title: 'The user of the runner may not read its config.toml',
    meaning:
      'The runner keeps what it read before, and after the next restart it has no entry at all.',
    evidence:
      'Mode bits of the file and of its folders, for the user and the groups of the process; or the line with which its last start ended.',
    notConfusedWith: ['monitor-blind'],
    from: ['config/denied-to-runner'],
    confirm: AT_ONCE,
    says: (c) => `${userOf(c)} may not read ${c.config}`,
    fix: (c) => [
      step('Who may?', `namei -l ${onHost(c, c.config)}`),
      step(
        'Give it to the user of the runner.',
        `sudo chown ${quoted(c.place.user.name)} ${onHost(c, c.config)} && sudo chmod 600 ${onHost(c, c.config)}`,
      ),
    ],
    suppresses: [
      'config-no-runners',
      'runner-crash-loop',
      'runner-not-running',
      'runner-start-failed',
    ],
  }),
  configCause({
    id: 'config-syntax-error',
    title: 'The runner’s config.toml cannot be parsed',
    meaning: 'The file is not valid TOML. The runner does not start with it.',
    evidence: 'The parser’s place and expectation.',
    notConfusedWith: ['config-type-error'],
    from: ['config/syntax-error'],
    confirm: AT_ONCE,
    says: (c) => `${c.config} cannot be parsed${lineOf(c)}`,
    fix: (c) => [correct(c), lint(c)],
    suppresses: ['runner-crash-loop', 'runner-not-running', 'runner-start-failed'],
  }),
  configCause({
    id: 'config-type-error',
    title: 'The runner’s config.toml holds a value of the wrong kind',
    meaning:
      'The file is TOML, and the runner’s decoder refuses one of its values. The runner does not start with it.',
    evidence: 'Key, kind expected, kind found.',
    notConfusedWith: ['config-syntax-error'],
    from: ['config/type-error', 'config/invalid-value'],
    confirm: AT_ONCE,
    says: (c) => `${c.config} has a value that stops the runner${lineOf(c)}`,
    fix: (c) => [correct(c), lint(c)],
    suppresses: ['runner-crash-loop', 'runner-not-running', 'runner-start-failed'],
  }),
  configCause({
    id: 'config-concurrent-zero',
    title: '`concurrent` is below 1, which ends the runner',
    meaning:
      'The runner dies at start, and at a reload with its jobs, when it may run no job at once.',
    evidence: 'The value in the file.',
    notConfusedWith: ['config-concurrency-starvation', 'runner-crash-loop'],
    from: ['config/concurrent-zero'],
    confirm: AT_ONCE,
    says: (c) => `concurrent is below 1 in ${c.config}, with which the runner does not run`,
    fix: (c) => [edit(c, 'Set concurrent to 1 or more, at the top of the file.')],
    suppresses: ['runner-crash-loop', 'runner-not-running', 'runner-start-failed'],
  }),
  configCause({
    id: 'config-changed-not-loaded',
    severity: 'warning',
    title: 'config.toml was changed for the worse; the running process still has the old one',
    meaning:
      'The runner keeps its last good configuration when a new one does not load. The next restart will fail.',
    evidence: 'A file that does not load, beside a process that runs.',
    notConfusedWith: ['config-syntax-error'],
    from: [],
    confirm: AT_ONCE,
    says: (c) =>
      `${c.config} does not load any more; the process still runs on the old one and will not survive a restart`,
    fix: (c) => [correct(c), lint(c)],
  }),
  configCause({
    id: 'config-no-runners',
    title: 'config.toml has no [[runners]] entry',
    meaning: 'The runner idles without a word: nothing was registered in this file.',
    evidence: 'The file loads and holds no entry.',
    notConfusedWith: ['config-wrong-file'],
    from: ['config/no-runners', 'config/empty'],
    confirm: AT_ONCE,
    says: (c) => `${c.config} has no [[runners]] entry`,
    fix: (c) => [
      step(
        'Create a runner in GitLab and register it with its glrt- token.',
        c.place.commands.runner(`register --config ${quoted(c.config)}`),
      ),
      step(
        'Was it registered into another file?',
        `sudo ls -l ${c.place.files.usualConfigs.map((path) => onHost(c, path)).join(' ')}`,
      ),
    ],
  }),
  configCause({
    id: 'config-url-invalid',
    title: 'The `url` of an entry cannot be used',
    meaning:
      'It has no scheme, another scheme than http or https, or cannot be parsed. The runner disables the entry after three tries.',
    evidence: 'The value, after variables were filled in.',
    notConfusedWith: ['url-path-wrong'],
    from: [],
    confirm: AT_ONCE,
    says: (c) => `the url of an entry in ${c.config} cannot be used (line ${c.fact('line')})`,
    fix: (c) => [edit(c, `Correct url in line ${c.fact('line')}: https://gitlab.example.com/`)],
    suppresses: ['runner-disabled-unhealthy'],
  }),
  configCause({
    id: 'config-env-unset',
    title: 'A variable named in config.toml is not set for the runner',
    meaning:
      '`$VAR` in url or token is filled in from the environment of the runner’s process; a variable that is not set there becomes nothing.',
    evidence: 'The environment of the running process.',
    notConfusedWith: ['token-missing', 'config-url-invalid'],
    from: [],
    confirm: AT_ONCE,
    says: (c) =>
      `a variable that ${c.config} uses in line ${c.fact('line')} is not set for the runner`,
    fix: (c) => [
      ...(/^\w+$/.test(c.fact('variable'))
        ? setVariable(c, 'Set it for the runner.', c.fact('variable'), '...')
        : [edit(c, 'Set it for the runner, or write the value itself.')]),
    ],
    suppresses: ['token-missing'],
  }),
];
