/**
 * Runs the commands that a report prints, as a person would on the runner's host: its files in front of the programs of
 * this machine, its network, its processes. Three programs are stand-ins: sudo, since everything here is root;
 * systemctl and gitlab-runner, since what they start is the runner of the lab.
 */
import { writeFile } from 'node:fs/promises';

import type { Report } from '../src/report/document.ts';
import type { World } from './world.ts';

/** In front of all other programs. */
const SHIMS = '/fix-shims';
const ASKED = `${SHIMS}/asked`;
/** What starts the runner is part of every fix that needs it. */
const STARTS = /systemctl (?:--user )?(?:restart|start|enable|daemon-reload)|nohup/;
const DROP_INS = '/etc/systemd/system/gitlab-runner.service.d';

const SUDO = `#!/bin/sh
while :; do
  case "$1" in
    -b) behind=1; shift ;;
    -u | -g) shift 2 ;;
    -*) shift ;;
    *) break ;;
  esac
done
if [ -n "$behind" ]; then env "$@" & wait; else exec env "$@"; fi
`;

/** What only reads is answered by the stand-in of the row. */
const SYSTEMCTL = `#!/bin/sh
case "$1" in
  show | cat | is-active | status) exec /shims/systemctl "$@" ;;
  *) echo "systemctl $*" >>${ASKED} ;;
esac
`;

const RUNNER = `#!/bin/sh
echo "start" >>${ASKED}
env | grep -v -e ^PATH= -e ^PWD= -e ^OLDPWD= -e ^SHLVL= -e ^_= | sed 's/^/set /' >>${ASKED}
`;

/** A person edits the file: the script gets its path as its argument. */
const EDITOR = (script: string): string => `#!/bin/sh\n${script}\n`;

export interface PrintedFixOptions {
  /** What the person types into the editor, as a shell script over "$1". */
  readonly edit?: string;
  /** Of which cause; of the first one by default. */
  readonly cause?: string;
  /** What the person types when a command asks, a line for each question. */
  readonly typed?: string;
  /** What the person was told to get first, by path. */
  readonly given?: Readonly<Record<string, string>>;
}

/** A row's fix: what the report prints like this, and nothing else. */
export function printedFix(reported: RegExp, options: PrintedFixOptions = {}) {
  return { reported, apply: runPrinted(reported, options) };
}

/** The printed commands that match, and those that start the runner, in their order. */
export function runPrinted(
  wanted: RegExp,
  { edit, cause, given = {}, typed = '' }: PrintedFixOptions = {},
) {
  return async (world: World): Promise<void> => {
    const report = await world.daemon.report();
    const commands = commandsOf(report, cause).filter(
      (command) => wanted.test(command) || STARTS.test(command),
    );
    if (!commands.some((command) => wanted.test(command))) {
      throw new Error(`the report prints no command like ${String(wanted)}`);
    }
    await writeShims(world, edit);
    for (const [path, text] of Object.entries(given)) await world.files.write(path, text);
    for (const command of commands) {
      await runOnHost(world, command, typed);
      // A person looks whether that was enough before the next step is taken.
      if (await startsWhatWasAsked(world)) return;
    }
  };
}

function commandsOf({ causes }: Report, id: string | undefined): readonly string[] {
  const cause = id === undefined ? causes[0] : causes.find((one) => one.id === id);
  return (cause?.fix ?? []).flatMap(({ command }) => command ?? []);
}

async function writeShims({ files }: World, edit: string | undefined): Promise<void> {
  await files.write(ASKED, '');
  const shims = { sudo: SUDO, systemctl: SYSTEMCTL };
  for (const [name, text] of Object.entries(shims))
    await files.write(`${SHIMS}/${name}`, text, 0o755);
  // Also where the PATH of the runner's own environment finds it.
  await files.write('/usr/bin/gitlab-runner', RUNNER, 0o755);
  if (edit !== undefined) await files.write(`${SHIMS}/sudoedit`, EDITOR(edit), 0o755);
}

/** What is written lands in the files of the host, and nowhere else. */
async function runOnHost(
  { network, files, container }: World,
  command: string,
  typed: string,
): Promise<void> {
  if (container !== undefined) {
    await files.write('/fix.sh', `PATH=${SHIMS}:$PATH\n${command}\n`);
    await files.write('/typed', typed);
    await network.run('rn', 'env -i PATH="$PATH" sh -e /fix.sh </typed');
    return;
  }
  const script = `${files.path}-fix.sh`;
  await writeFile(script, `PATH=${SHIMS}:$PATH\n${command}\n`);
  await writeFile(`${files.path}-typed`, typed);
  const merged = `${files.path}-merged`;
  const work = `${files.path}-work`;
  const steps = [
    `mkdir -p ${merged} ${work}`,
    `mount -t overlay overlay -o lowerdir=/,upperdir=${files.path},workdir=${work} ${merged}`,
    `for folder in proc dev sys; do mount --rbind /$folder ${merged}/$folder; done`,
    // Disks of the row are mounts below its files.
    `for point in $(findmnt -rno TARGET | grep "^${files.path}/" || true); do mount --bind $point ${merged}\${point#${files.path}}; done`,
    `cp ${script} ${merged}/fix.sh`,
    `exec env -i PATH="$PATH" chroot ${merged} sh -e /fix.sh`,
  ];
  const shell = `unshare --mount sh -e -c '${steps.join(' && ')}'`;
  await network.run('rn', `${shell} <${files.path}-typed`);
}

/** The environment is that of its last start: of its shell, or of its drop-ins. */
async function startsWhatWasAsked({ files, runner }: World): Promise<boolean> {
  const asked = (await files.read(ASKED)).split('\n');
  const isManaged = asked.some((line) => /^systemctl.* (?:restart|start|--now) /.test(line));
  if (!isManaged && !asked.includes('start')) return false;
  const own = isManaged ? await dropInVariables(files) : asked;
  const variables = own.flatMap((line) => {
    const { name, value } = /^set (?<name>\w+)=(?<value>.*)$/.exec(line)?.groups ?? {};
    return name === undefined || value === undefined ? [] : [[name, value] as const];
  });
  await runner.restart(Object.fromEntries(variables));
  return true;
}

async function dropInVariables(files: World['files']): Promise<readonly string[]> {
  const text = await files.read(`${DROP_INS}/zz-runnerwatch.conf`).catch(() => '');
  return text
    .split('\n')
    .filter((line) => line.startsWith('Environment='))
    .flatMap((line) => [...line.slice('Environment='.length).matchAll(/"?(?<set>\w+=[^"\s]*)"?/g)])
    .map(({ groups }) => `set ${groups?.['set'] ?? ''}`);
}
