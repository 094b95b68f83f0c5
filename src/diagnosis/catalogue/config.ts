/** Causes in config.toml. A file needs no second reading to confirm. */
import { basename, dirname } from 'node:path';

import type { CauseContext, CauseSpec } from '../cause-spec.ts';
import type { FixStep } from '../../core/diagnosis.ts';
import { step } from '../../core/diagnosis.ts';
import { quoteArgument } from '../../core/shell.ts';
import { AT_ONCE, enterVariable, family, onHost, restart } from '../cause-spec.ts';
import { CREATE_RUNNER } from './runner-pages.ts';

/** What becomes of a runner that does not load its file. */
const NO_START = [
  'runner-crash-loop',
  'runner-not-running',
  'runner-start-failed',
  'container-restart-loop',
  'container-stopped',
];

const configCause = family({
  severity: 'critical',
  scope: 'config',
  resolvedWhen: 'the config check passes again',
});

const lint = (c: CauseContext) =>
  step('Check the file before any restart.', `sudo runnerwatch lint ${onHost(c, c.config)}`);

const edit = (c: CauseContext, text: string) => step(text, `sudoedit ${onHost(c, c.config)}`);

const userOf = ({ place }: CauseContext) => `the runner's user (${place.user.name})`;
/** If the file as a whole is wrong, there is no line. */
const lineOf = (c: CauseContext) => {
  const line = c.optional('line');
  return line === undefined ? '' : ` (line ${line})`;
};

const correct = (c: CauseContext) => {
  const line = c.optional('line');
  return edit(c, line === undefined ? 'Correct the file.' : `Correct line ${line}.`);
};

/** A container whose file is missing does not start, or gets a folder of that name. */
function newVersion(c: CauseContext): readonly FixStep[] {
  const file = c.fact('mounted_file');
  if (c.optional('is_there') === undefined) {
    return [
      step(
        'Put the file back before the container starts again: the runner still has it.',
        `sudo cp ${onHost(c, c.config)} ${quoteArgument(file)}`,
      ),
    ];
  }
  return [
    step('Check the file on the host.', `sudo runnerwatch lint ${quoteArgument(file)}`),
    step('Start the container again: it then has that file.', c.place.commands.restart),
  ];
}

/** A folder that may hold more than files of the runner; a container should not see it. */
const GENERAL = /^\/(?:[^/]*|(?:home|usr)\/[^/]*|var\/(?:lib|log|run|tmp))$/;

function mountFolder(c: CauseContext): readonly FixStep[] {
  const text = 'So that later changes arrive by themselves, mount the folder instead of the file.';
  const file = c.fact('mounted_file');
  if (GENERAL.test(dirname(file)) || basename(file) !== basename(c.config)) {
    return [step(`${text} It takes a folder of its own, in which it is ${basename(c.config)}.`)];
  }
  const setting = {
    kind: 'mount',
    source: dirname(file),
    target: dirname(c.config),
    replaces: c.config,
  } as const;
  return c.place.commands.remake?.(text, [setting]) ?? [step(text)];
}

export const CONFIG_CAUSES: readonly CauseSpec[] = [
  configCause({
    id: 'config-missing',
    title: "The runner's config.toml does not exist",
    meaning:
      'The runner starts without the file, has no runner entries, and logs an error every three seconds.',
    evidence: 'The path that the runner was started with has no file, or is a directory.',
    notConfusedWith: ['config-wrong-file', 'monitor-blind'],
    from: ['config/missing', 'config/not-a-file'],
    confirm: AT_ONCE,
    says: (c) => `${c.config} does not exist`,
    fix: (c) => [
      step(
        'Restore the file from a backup, or mount it.',
        `sudo ls -la "$(dirname ${onHost(c, c.config)})"`,
      ),
      step(
        'If the file is somewhere else: check which file the runner was started with.',
        "pgrep -af 'gitlab-runner.* run'",
      ),
    ],
  }),
  configCause({
    id: 'config-unreadable',
    title: "The runner's user may not read config.toml",
    meaning:
      'The runner keeps the configuration that it has loaded. After the next restart it has no runner entries.',
    evidence:
      "The permissions of the file and its directories, for the user and groups of the runner process; or the error that ended the runner's last start.",
    notConfusedWith: ['monitor-blind'],
    from: ['config/denied-to-runner'],
    confirm: AT_ONCE,
    says: (c) => `${userOf(c)} has no permission to read ${c.config}`,
    fix: (c) => [
      step(
        'Show owner and permissions of each directory on the path.',
        `sudo namei -l ${onHost(c, c.config)}`,
      ),
      step(
        "Make the runner's user the owner of the file.",
        `sudo chown ${quoteArgument(c.place.user.name)} ${onHost(c, c.config)} && sudo chmod 600 ${onHost(c, c.config)}`,
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
    title: "The runner's config.toml is not valid TOML",
    meaning: 'The runner cannot parse the file and does not start with it.',
    evidence: 'The syntax error and its line.',
    notConfusedWith: ['config-type-error'],
    from: ['config/syntax-error'],
    confirm: AT_ONCE,
    says: (c) => `${c.config} is not valid TOML${lineOf(c)}`,
    fix: (c) => [correct(c), lint(c)],
    suppresses: NO_START,
  }),
  configCause({
    id: 'config-type-error',
    title: "A value in the runner's config.toml has the wrong type",
    meaning:
      'The file is valid TOML, but the runner cannot parse it because one value has the wrong type. The runner does not start with it.',
    evidence: 'The key, the expected type and the type found.',
    notConfusedWith: ['config-syntax-error'],
    from: ['config/type-error', 'config/invalid-value'],
    confirm: AT_ONCE,
    says: (c) =>
      `${c.config} has a value of the wrong type, so the runner does not start${lineOf(c)}`,
    fix: (c) => [correct(c), lint(c)],
    suppresses: NO_START,
  }),
  configCause({
    id: 'config-concurrent-zero',
    title: '`concurrent` is below 1, so the runner exits',
    meaning:
      'A runner that may run no jobs exits at start; at a reload it exits and its jobs are lost.',
    evidence: 'The value in the file.',
    notConfusedWith: ['config-concurrency-starvation', 'runner-crash-loop'],
    from: ['config/concurrent-zero'],
    confirm: AT_ONCE,
    says: (c) => `concurrent in ${c.config} is below 1, so the runner exits`,
    fix: (c) => [edit(c, 'Set concurrent to 1 or more, at the top of the file.')],
    suppresses: NO_START,
  }),
  configCause({
    id: 'config-changed-not-loaded',
    severity: 'warning',
    title:
      'config.toml was edited and no longer loads; the running runner still uses the old version',
    meaning:
      'The runner keeps the last configuration that loaded. It will fail at its next restart.',
    evidence: 'The file does not load, and the runner process is running.',
    notConfusedWith: ['config-syntax-error'],
    changedBy: ['config', 'config-url', 'config-token', 'config-trust', 'config-executor'],
    from: [],
    confirm: AT_ONCE,
    says: (c) =>
      `${c.config} no longer loads; the running runner still uses the old version and will fail at its next restart`,
    fix: (c) => [correct(c), lint(c)],
  }),
  configCause({
    id: 'config-replaced-on-host',
    severity: 'warning',
    title: 'config.toml was replaced on the host, and the container of the runner has the old one',
    meaning:
      'The file is mounted into the container by itself, not with its folder. An editor that writes a new file and renames it leaves the container with the old one: no change reaches the runner before its container starts again.',
    evidence:
      'Device and inode of the file that the container has, and of the file on the host that was mounted there.',
    notConfusedWith: ['config-changed-not-loaded'],
    changedBy: [],
    from: ['config/replaced-on-host'],
    confirm: AT_ONCE,
    says: (c) =>
      `the runner does not see the ${c.optional('is_there') === undefined ? 'removal' : 'new version'} of ${c.fact('mounted_file')}: its container has the file that was there when it started`,
    fix: (c) => [...newVersion(c), ...mountFolder(c)],
  }),
  configCause({
    id: 'config-no-runners',
    title: 'config.toml has no [[runners]] entry',
    meaning: 'The runner takes no jobs, because no runner is registered in this file.',
    evidence: 'The file loads and has no runner entry.',
    notConfusedWith: ['config-wrong-file'],
    from: ['config/no-runners', 'config/empty'],
    confirm: AT_ONCE,
    says: (c) => `${c.config} has no [[runners]] entry, so this runner takes no jobs`,
    fix: (c) => [
      step(
        `${CREATE_RUNNER} Then register it with that token.`,
        c.place.commands.runner(`register --config ${quoteArgument(c.config)}`),
      ),
      step(
        'Check whether the runner was registered in another file.',
        `sudo ls -l ${c.place.files.usualConfigs.map((path) => onHost(c, path)).join(' ')}`,
      ),
    ],
  }),
  configCause({
    id: 'runner-not-registered',
    title: 'The runner in the pod has not been registered',
    meaning:
      'Before it starts the runner, the entrypoint of the official chart registers it and so writes its entry into config.toml. It has not, for longer than it tries.',
    evidence: 'Ten minutes without an entry in the config.toml of a pod.',
    notConfusedWith: ['config-no-runners', 'config-missing', 'token-rejected'],
    from: ['config/not-registered'],
    confirm: AT_ONCE,
    says: (c) => `the runner has not been registered: ${c.config} still has no [[runners]]`,
    fix: (c) => [
      c.place.commands.showLog('Read why the registration fails, after "Registration attempt".'),
      step(
        'Correct gitlabUrl, runnerToken or the secret that runners.secret names, in values.yaml, and run helm upgrade.',
      ),
      restart(c),
    ],
    suppresses: ['runner-not-running'],
  }),
  configCause({
    id: 'config-url-invalid',
    title: 'The `url` of a runner entry is invalid',
    meaning:
      'The URL has no scheme, a scheme other than http or https, or cannot be parsed. The runner disables the entry after three attempts.',
    evidence: 'The value after variable expansion.',
    notConfusedWith: ['url-path-wrong'],
    changedBy: ['config-url'],
    from: [],
    confirm: AT_ONCE,
    says: (c) => `the url of a runner entry in ${c.config} is invalid (line ${c.fact('line')})`,
    fix: (c) => [
      edit(
        c,
        `Correct url in line ${c.fact('line')}: it starts with https:// or http://, followed by the host of GitLab.`,
      ),
    ],
    suppresses: ['runner-disabled-unhealthy'],
  }),
  configCause({
    id: 'config-env-unset',
    title: 'A variable used in config.toml is not set for the runner',
    meaning:
      '`$VAR` in url or token is replaced from the environment of the runner process; a variable that is not set becomes an empty string.',
    evidence: 'The environment of the running process.',
    notConfusedWith: ['token-missing', 'config-url-invalid'],
    changedBy: ['config', 'config-url', 'config-token', 'unit'],
    from: [],
    confirm: AT_ONCE,
    says: (c) =>
      `line ${c.fact('line')} of ${c.config} uses a variable that is not set for the runner`,
    fix: (c) => {
      const variable = c.optional('variable');
      return variable === undefined
        ? [edit(c, 'Set the variable for the runner, or write its value into config.toml.')]
        : enterVariable(c, 'Set the variable for the runner.', variable);
    },
    suppresses: ['token-missing'],
  }),
  configCause({
    id: 'config-env-not-filled',
    title: 'This runner is too old for variables in url or token',
    meaning:
      'GitLab Runner replaces `$VAR` in url and token since 18.10. An older one sends the text as it is written, so GitLab is not found or rejects the token.',
    evidence: "The versions of two libraries in the runner's program.",
    notConfusedWith: ['config-env-unset', 'token-rejected', 'config-url-invalid'],
    changedBy: ['config', 'config-url', 'config-token'],
    from: [],
    confirm: AT_ONCE,
    says: (c) =>
      `line ${c.fact('line')} of ${c.config} names a variable, which this runner does not fill in`,
    fix: (c) => [
      edit(c, 'Write the value in place of the variable, or update the runner to 18.10 or newer.'),
    ],
    suppresses: ['token-missing', 'token-rejected', 'dns-name-not-found', 'config-url-invalid'],
  }),
];
