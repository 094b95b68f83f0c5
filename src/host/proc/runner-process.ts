/**
 * Finds the runner's process in /proc: a program called `gitlab-runner` whose command is `run`. Helpers, one-off
 * commands and zombies do not count.
 *
 * Source  /proc/PID/{cmdline,stat,status,environ,cwd,root,exe,uid_map}; docs/reference/runner-config.md#where-the-file-is.
 */
import { readFile, readlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { flagValue } from '../../core/flag-value.ts';
import type { Paths } from '../../core/paths.ts';
import type { FoundBy, RunnerProcess } from '../../core/reading.ts';
import { runnerDirectory } from '../place/runner-files.ts';
import { mapProcesses } from './each-process.ts';
import { enclosureOf } from './enclosure.ts';
import { goBuildOf } from './go-build.ts';
import { runnerArguments } from './runner-arguments.ts';

/** USER_HZ: the unit of the times in /proc/PID/stat, 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Where the files of a process are seen: on the host, or below the root of its container. */
export function pathsOf(
  {
    pid,
    container,
    network,
    volumes,
  }: Pick<RunnerProcess, 'pid' | 'container' | 'network' | 'volumes'>,
  paths: Paths,
): Paths {
  const there = network === undefined ? {} : { network };
  if (container === undefined) return { ...paths, ...there };
  const rootfs = join(paths.procfs, String(pid), 'root');
  const mounted = volumes === undefined ? {} : { volumes };
  return { ...paths, ...there, rootfs, container: container.id, ...mounted };
}

/** Every main runner process that can be seen, oldest first. Entries that vanish or are hidden are left out. */
export async function findRunnerProcesses(paths: Paths): Promise<readonly RunnerProcess[]> {
  const bootedAt = bootTime(await readText(join(paths.procfs, 'stat')));
  const found = await mapProcesses(paths, async (pid) => await readProcess(pid, bootedAt, paths));
  return found.toSorted((a, b) => a.startedAt - b.startedAt);
}

/** The one that runs on `wantedConfigPath`; without a wish the oldest. */
export function chooseRunnerProcess(
  processes: readonly RunnerProcess[],
  wantedConfigPath: string | undefined,
): RunnerProcess | undefined {
  if (wantedConfigPath === undefined) return processes[0];
  return processes.find(({ configPath }) => configPath === wantedConfigPath);
}

async function readProcess(
  pid: number,
  bootedAt: number,
  paths: Paths,
): Promise<RunnerProcess | undefined> {
  const directory = join(paths.procfs, String(pid));
  const words = runnerArguments(splitNul(await readText(join(directory, 'cmdline'))));
  if (words === undefined) return undefined;
  const [statText, statusText, environText, enclosure, mapText] = await Promise.all([
    readText(join(directory, 'stat')),
    readText(join(directory, 'status')),
    readFile(join(directory, 'environ'), 'utf8').catch(() => undefined),
    enclosureOf(pid, paths),
    readText(join(directory, 'uid_map')),
  ]);
  const workingDirectory = await workingDirectoryOf(directory);
  const stat = parseStat(statText);
  if (stat === undefined || stat.state === 'Z') return undefined;
  const uid = ownUid(statusText, mapText);
  const groups = groupsOf(statusText);
  const environment = environText === undefined ? undefined : parseEnvironment(environText);
  const go = await goBuildOf(join(directory, 'exe'), `${pid} ${stat.startTicks}`);
  return {
    pid,
    uid,
    ...(groups === undefined ? {} : { groups }),
    startedAt: bootedAt + (stat.startTicks / TICKS_PER_SECOND) * 1000,
    startTicks: stat.startTicks,
    state: stat.state,
    arguments: words,
    ...(environment === undefined ? {} : { environment }),
    ...(workingDirectory === undefined ? {} : { workingDirectory }),
    ...(go === undefined ? {} : { go }),
    ...configOf(words, environment, uid, workingDirectory),
    ...enclosure,
  };
}

/** As it sees it itself: seen from outside, a root that is changed stands before it. */
async function workingDirectoryOf(directory: string): Promise<string | undefined> {
  const [root = '/', folder] = await Promise.all(
    ['root', 'cwd'].map(
      async (name) => await readlink(join(directory, name)).catch(() => undefined),
    ),
  );
  if (folder === undefined || root === '/') return folder;
  return folder === root ? '/' : folder.replace(new RegExp(`^${RegExp.escape(root)}(?=/)`), '');
}

/** The root of a user namespace has another number outside. */
function ownUid(statusText: string, mapText: string): number {
  const uid = Number(/^Uid:\s+(?<real>\d+)/m.exec(statusText)?.groups?.['real'] ?? 0);
  const outside = /^\s*0\s+(?<outside>\d+)\s/m.exec(mapText)?.groups?.['outside'];
  return String(uid) === outside ? 0 : uid;
}

/** The real group and the further groups of /proc/PID/status. */
function groupsOf(statusText: string): readonly number[] | undefined {
  const own = /^Gid:\s+(?<real>\d+)/m.exec(statusText)?.groups?.['real'];
  if (own === undefined) return undefined;
  const further = /^Groups:[ \t]*(?<all>[\d ]*)$/m.exec(statusText)?.groups?.['all'] ?? '';
  return [...new Set([own, ...further.split(' ').filter(Boolean)].map(Number))];
}

async function readText(path: string): Promise<string> {
  return await readFile(path, 'utf8').catch(() => '');
}

function splitNul(text: string): readonly string[] {
  return text.split('\0').slice(0, -1);
}

/** Name, state and start out of /proc/PID/stat; the name may hold blanks and brackets. */
export function parseStat(
  text: string,
): { readonly state: string; readonly startTicks: number } | undefined {
  const end = text.lastIndexOf(')');
  if (end === -1) return undefined;
  const fields = text.slice(end + 2).split(' ');
  return { state: fields[0] ?? '', startTicks: Number(fields[19] ?? 0) };
}

/** Unix milliseconds of the boot, from the `btime` line of /proc/stat. */
export function bootTime(text: string): number {
  return Number(/^btime (?<seconds>\d+)/m.exec(text)?.groups?.['seconds'] ?? 0) * 1000;
}

/** `KEY=value` entries separated by NUL; the first of two equal keys wins, as it does in Go. */
export function parseEnvironment(text: string): Readonly<Record<string, string>> {
  const entries = text.split('\0').flatMap((entry): [string, string][] => {
    const equals = entry.indexOf('=');
    return equals > 0 ? [[entry.slice(0, equals), entry.slice(equals + 1)]] : [];
  });
  return Object.fromEntries(entries.toReversed());
}

/** `--config` or `-c`, then CONFIG_FILE, then the default of its user. */
export function configOf(
  words: readonly string[],
  environment: Readonly<Record<string, string>> | undefined,
  uid: number,
  workingDirectory = '/',
): { readonly configPath: string; readonly configFoundBy: FoundBy } {
  const argument = flagValue(words, '--config', '-c');
  if (argument !== undefined) {
    return { configPath: resolve(workingDirectory, argument), configFoundBy: 'process-argument' };
  }
  const variable = environment?.['CONFIG_FILE'] ?? '';
  if (variable !== '') {
    return {
      configPath: resolve(workingDirectory, variable),
      configFoundBy: 'process-environment',
    };
  }
  const home = environment?.['HOME'] ?? '';
  const isHomeless = uid !== 0 && home === '';
  const directory = isHomeless ? workingDirectory : runnerDirectory(uid, home);
  return { configPath: join(directory, 'config.toml'), configFoundBy: 'default' };
}
