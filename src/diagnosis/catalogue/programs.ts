/** Causes in the programs that an executor starts. The runner still reaches GitLab, or does not even ask it for jobs. */
import { AUTOSCALED_EXECUTORS, MACHINE_EXECUTORS } from '../../config/runner/executors.ts';
import type { FixStep } from '../../core/diagnosis.ts';
import { step } from '../../core/diagnosis.ts';
import { quoteArgument } from '../../core/shell.ts';
import type { CauseContext, CauseSpec } from '../cause-spec.ts';
import { AT_ONCE, family, onHost } from '../cause-spec.ts';

const programCause = family({
  severity: 'warning',
  scope: 'executor',
  resolvedWhen: 'the check of these programs no longer finds it',
});

const PROGRAM_EXECUTORS: readonly string[] = ['custom', ...MACHINE_EXECUTORS];

const edit = (c: CauseContext, text: string) => step(text, `sudoedit ${onHost(c, c.config)}`);

const isPath = (c: CauseContext) => c.fact('program').startsWith('/');

/** The home of one user, which others have no business in. */
const HOME = /^(?:\/root|\/home\/[^/]+)$/;

const isInContainer = (c: CauseContext) =>
  c.place.commands.remake !== undefined || c.place.unseen !== undefined;

/** In a container it belongs into the image, or is mounted. */
const whereOf = (c: CauseContext) =>
  isInContainer(c) ? " in the image of the runner's container, or mount it there" : '';

function install(c: CauseContext): FixStep {
  const program = c.fact('program');
  if (program === 'docker-machine') {
    return step(
      `Install docker-machine, of which GitLab maintains a version, into a directory of the runner's PATH${whereOf(c)}.`,
    );
  }
  return step(
    isPath(c)
      ? `Put the program to ${program}${whereOf(c)}.`
      : `Install ${program} into a directory of the runner's PATH${whereOf(c)}.`,
  );
}

function correct(c: CauseContext): readonly FixStep[] {
  const setting = c.fact('setting');
  return setting === c.executor
    ? []
    : [edit(c, `Or write the absolute path of the right program as ${setting} in config.toml.`)];
}

/** What lets the runner execute it, by what stands against it; without any, the program is put there. */
function repair(c: CauseContext): readonly FixStep[] {
  const fix = REPAIRS[c.optional('because') ?? ''];
  return fix === undefined ? [install(c), ...correct(c)] : fix(c);
}

/** For one user alone it is enough to change the owner. */
const allow = (c: CauseContext, text: string, mode: string) =>
  step(
    `${text}; for one user alone, change the owner instead.`,
    `sudo chmod ${mode} ${onHost(c, c.optional('path') ?? c.fact('program'))}`,
  );

const showHead = (c: CauseContext, text: string) =>
  step(text, `sudo head -n 1 ${onHost(c, c.fact('program'))}`);

const REPAIRS: Readonly<Record<string, (c: CauseContext) => readonly FixStep[]>> = {
  mode: (c) => [allow(c, 'Let every user read and execute it', 'a+rx')],
  folder: (c) =>
    HOME.test(c.optional('path') ?? '')
      ? [
          step(
            `Move the program out of ${c.fact('path')}, which is for one user alone, into a directory that the user of the runner may enter.`,
          ),
          ...correct(c),
        ]
      : [allow(c, 'Let every user enter the directory', 'a+x')],
  mount: (c) => [
    isInContainer(c)
      ? step(`Mount ${c.fact('needs')} into the container without noexec, by a new container.`)
      : step(
          'Mount that file system without noexec now, and in /etc/fstab.',
          `sudo mount -o remount,exec ${onHost(c, c.fact('needs'))}`,
        ),
  ],
  interpreter: (c) => [
    step(
      `Install ${c.fact('needs')}${whereOf(c)}, or correct the first line of ${c.fact('program')}.`,
    ),
    showHead(c, 'Show that line.'),
  ],
  'line-ends': (c) => [
    step('Remove them.', `sudo sed -i 's/\\r$//' ${onHost(c, c.fact('program'))}`),
  ],
  form: (c) => [showHead(c, 'Show how it begins; a script needs a first line such as #!/bin/sh.')],
};

export const PROGRAM_CAUSES: readonly CauseSpec[] = [
  programCause({
    id: 'executor-setting-missing',
    ofExecutors: [...PROGRAM_EXECUTORS, 'kubernetes'],
    title: 'config.toml lacks what the executor requires',
    meaning:
      'Without this key no job can run: the custom and the kubernetes executor fail each job, the others do not even request jobs.',
    evidence: 'The section of the executor in the file, without the key.',
    notConfusedWith: ['config-executor-section-missing'],
    changedBy: ['config', 'config-executor'],
    from: ['job-programs/setting-missing', 'kubernetes/setting-missing'],
    confirm: AT_ONCE,
    stopsJobs: true,
    says: (c) =>
      `${c.config} has no ${c.fact('setting')}, which the executor of ${c.name} requires`,
    fix: (c) => [edit(c, `Add ${c.fact('setting')}.`)],
    resolvedWhen: 'config.toml has the key',
  }),
  programCause({
    id: 'executor-program-unusable',
    ofExecutors: PROGRAM_EXECUTORS,
    title: 'The runner cannot execute a program of its executor',
    meaning:
      'The executor does its work by programs (the scripts of the custom executor, docker-machine and its driver, a plugin that was put into PATH). One of them is missing, or the user of the runner may not execute it: no job can run.',
    evidence:
      'The file as the runner would find it: existence, permissions, mount options, interpreter.',
    notConfusedWith: ['runner-program-missing', 'executor-plugin-missing'],
    from: [
      'job-programs/program-missing',
      'job-programs/program-denied',
      'job-programs/program-invalid',
    ],
    stopsJobs: true,
    says: (c) =>
      `the runner cannot execute ${c.fact('program')} (${c.fact('setting')}), which every job of ${c.name} needs`,
    fix: repair,
    suppresses: ['runner-program-missing'],
  }),
  programCause({
    id: 'executor-plugin-missing',
    ofExecutors: AUTOSCALED_EXECUTORS,
    title: 'The plugin of the autoscaler is not installed',
    meaning:
      'The runner starts the plugin before it requests jobs: it requests none for the entry.',
    evidence: 'No such program in PATH, and none in the directory of installed plugins.',
    notConfusedWith: ['executor-program-unusable'],
    from: ['job-programs/plugin-missing'],
    stopsJobs: true,
    says: (c) => `the plugin ${c.fact('program')} of ${c.name} is not installed`,
    fix: (c) => [
      step('Install it.', c.place.commands.runner('fleeting install')),
      step('Show which plugins are found.', c.place.commands.runner('fleeting list')),
    ],
    suppresses: ['runner-program-missing'],
  }),
  programCause({
    id: 'executor-key-unreadable',
    ofExecutors: AUTOSCALED_EXECUTORS,
    title: 'The runner cannot read the key for the machines of its autoscaler',
    meaning: 'The runner reads the key before it requests jobs: it requests none for the entry.',
    evidence:
      'The file of `key_path` in [runners.autoscaler.connector_config], and its permissions.',
    notConfusedWith: ['executor-plugin-missing'],
    from: ['job-programs/key-unreadable'],
    stopsJobs: true,
    says: (c) => `the runner cannot read ${c.fact('path')}, the key for the machines of ${c.name}`,
    fix: (c) =>
      c.optional('because') === 'missing'
        ? [
            step(
              `Put the key to ${c.fact('path')}${whereOf(c)}, readable for the user of the runner alone.`,
            ),
            edit(c, 'Or correct key_path in config.toml.'),
          ]
        : [
            step(
              'Show the owner and the permissions of the file and of each directory above it.',
              `sudo namei -l ${onHost(c, c.fact('path'))}`,
            ),
            step(
              'Make it readable for the user of the runner alone.',
              `sudo chown ${quoteArgument(c.place.user.name)} ${onHost(c, c.fact('path'))}`,
            ),
            edit(c, 'Or correct key_path in config.toml.'),
          ],
    suppresses: ['runner-permission-denied'],
  }),
  programCause({
    id: 'executor-cleanup-unusable',
    severity: 'notice',
    ofExecutors: ['custom'],
    title: 'The runner cannot execute the program that cleans up after a job',
    meaning: 'Jobs run, and what the custom executor made for them stays: machines, folders, cost.',
    evidence: 'The file of `cleanup_exec` as the runner would find it.',
    notConfusedWith: ['executor-program-unusable'],
    from: ['job-programs/cleanup-unusable'],
    says: (c) => `the runner cannot execute ${c.fact('program')} (cleanup_exec) of ${c.name}`,
    fix: repair,
  }),
];
