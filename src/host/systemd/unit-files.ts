/**
 * The environment that systemd gives the runner's unit. Read from the files, because it must also be known while the
 * runner is down, and because a file may be newer than the process (a drop-in without a restart).
 *
 * Source  systemd.unit(5): the first unit file found wins, drop-ins of all folders in the order of their names;
 * systemd.exec(5): Environment=, EnvironmentFile=, an empty assignment resets, files win over lines.
 */

import type { Paths } from '../../core/paths.ts';
import { namesIn, readTextIn } from '../fs/in-root.ts';

/** In the order of precedence. */
const UNIT_FOLDERS = [
  '/etc/systemd/system',
  '/run/systemd/system',
  '/usr/local/lib/systemd/system',
  '/usr/lib/systemd/system',
  '/lib/systemd/system',
  // The unit that systemd generates for a script in /etc/init.d.
  '/run/systemd/generator.late',
];

export interface Assignment {
  readonly variable: string;
  readonly value: string;
  /** File as the host sees it. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

export interface UnitFile {
  readonly path: string;
  readonly text: string;
}

/** The unit file and its drop-ins, in the order in which systemd applies them; empty without a unit. */
export async function readUnitFiles(unit: string, paths: Paths): Promise<readonly UnitFile[]> {
  const main = await findUnitFile(unit, paths);
  if (main === undefined) return [];
  const dropIns = new Map<string, string>();
  for (const folder of UNIT_FOLDERS.toReversed()) {
    const names = await namesIn(paths, `${folder}/${unit}.d`).catch(() => []);
    // A folder of higher precedence hides a file of the same name.
    for (const name of names) dropIns.set(name, `${folder}/${unit}.d/${name}`);
  }
  const ordered = [...dropIns]
    .filter(([name]) => name.endsWith('.conf'))
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  const texts = await Promise.all(
    ordered.map(async ([, path]) => await readFirstReadable([path], paths)),
  );
  return [main, ...texts.filter((file) => file !== undefined)];
}

/** The file of a unit, wherever it lies. */
export async function findUnitFile(unit: string, paths: Paths): Promise<UnitFile | undefined> {
  return await readFirstReadable(
    UNIT_FOLDERS.map((folder) => `${folder}/${unit}`),
    paths,
  );
}

/** The unit of a runner: of the usual name, else the first one whose name begins with it. */
export async function findRunnerUnit(paths: Paths): Promise<string | undefined> {
  const names = await Promise.all(
    UNIT_FOLDERS.map(async (folder) => await namesIn(paths, folder).catch(() => [])),
  );
  return names
    .flat()
    .filter((name) => /^gitlab-runner(?:.*[^@])?\.service$/.test(name))
    .toSorted((a, b) => a.length - b.length || (a < b ? -1 : 1))[0];
}

/** The value of a setting of `[Service]` that holds: the last one, unless it is empty. */
export function serviceSetting(files: readonly UnitFile[], wanted: string): string | undefined {
  const found = files.flatMap((one) => settingsOf(one)).findLast(({ key }) => key === wanted);
  return found === undefined || found.value === '' ? undefined : found.value;
}

/** The program in `ExecStart`, without the marks before it; undefined where it is not an absolute path. */
export function startedProgram(files: readonly UnitFile[]): string | undefined {
  const [word = ''] = argumentsOf(serviceSetting(files, 'ExecStart') ?? '');
  const path = word.replace(/^[-@:+!|]+/, '');
  return path.startsWith('/') ? path : undefined;
}

/** Every assignment that holds, the last of each variable last. */
export async function unitEnvironment(
  files: readonly UnitFile[],
  paths: Paths,
): Promise<readonly Assignment[]> {
  let lines: readonly Assignment[] = [];
  let named: readonly string[] = [];
  for (const { key, value, file, line } of files.flatMap((one) => settingsOf(one))) {
    if (key === 'Environment') {
      const own = argumentsOf(value).flatMap((word) => assignmentOf(word, file, line) ?? []);
      lines = value === '' ? [] : [...lines, ...own];
    }
    if (key === 'EnvironmentFile') named = value === '' ? [] : [...named, value.replace(/^-/, '')];
  }
  const read = await Promise.all(named.map((path) => readEnvironmentFile(path, paths)));
  return [...lines, ...read.flat()];
}

/** `KEY=value` lines of an environment file such as /etc/environment; comments, `export` and quotes are taken off. */
export async function readEnvironmentFile(
  path: string,
  paths: Paths,
): Promise<readonly Assignment[]> {
  const file = await readFirstReadable([path], paths);
  if (file === undefined) return [];
  return file.text.split('\n').flatMap((text, index) => {
    const [, word = ''] = /^\s*(?:export\s+)?(\w+=.*?)\s*;?\s*$/.exec(text) ?? [];
    return assignmentOf(unquote(word), path, index + 1) ?? [];
  });
}

interface Setting {
  readonly key: string;
  readonly value: string;
  readonly file: string;
  readonly line: number;
}

/** The lines of the `[Service]` section. */
function settingsOf({ path, text }: UnitFile): readonly Setting[] {
  let section = '';
  return joinContinuedLines(text).flatMap(({ line, content }) => {
    section = /^\s*\[(?<name>[^\]]+)\]/.exec(content)?.groups?.['name'] ?? section;
    const [, key, value = ''] = /^\s*(\w+)\s*=\s*(.*?)\s*$/.exec(content) ?? [];
    return section === 'Service' && key !== undefined ? [{ key, value, file: path, line }] : [];
  });
}

/** A line that ends in a backslash continues in the next one; comments and empty lines are left out. */
function joinContinuedLines(
  text: string,
): readonly { readonly line: number; readonly content: string }[] {
  const joined: { line: number; content: string }[] = [];
  let isOpen = false;
  for (const [index, raw] of text.split('\n').entries()) {
    const content = raw.replace(/\\$/, ' ');
    const last = joined.at(-1);
    if (isOpen && last !== undefined) last.content += content;
    else if (!/^\s*(?:[#;]|$)/.test(raw)) joined.push({ line: index + 1, content });
    isOpen = raw.endsWith('\\');
  }
  return joined;
}

/** Parts of an Environment= line: blanks separate, quotes keep together. */
function argumentsOf(value: string): readonly string[] {
  return [...value.matchAll(/(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^\s"'])+/g)].map(([word]) =>
    unquote(word),
  );
}

function unquote(word: string): string {
  return word.replaceAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'/g, (_, double?: string, single?: string) =>
    double === undefined ? (single ?? '') : double.replaceAll(/\\(.)/g, '$1'),
  );
}

function assignmentOf(word: string, file: string, line: number): Assignment | undefined {
  const equals = word.indexOf('=');
  if (equals <= 0) return undefined;
  return { variable: word.slice(0, equals), value: word.slice(equals + 1), file, line };
}

async function readFirstReadable(
  candidates: readonly string[],
  paths: Paths,
): Promise<UnitFile | undefined> {
  for (const path of candidates) {
    const text = await readTextIn(paths, path).catch(() => undefined);
    if (text !== undefined) return { path, text };
  }
  return undefined;
}
