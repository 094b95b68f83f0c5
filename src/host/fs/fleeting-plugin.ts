/** Is the plugin of an autoscaler installed: docs/reference/runner-config.md#plugins-of-autoscalers. */
import { dirname, join } from 'node:path';

import { isErrno } from '../../core/errno.ts';
import type { Paths } from '../../core/paths.ts';
import type { NeededPlugin } from '../../core/target.ts';
import { namesIn, statIn } from './in-root.ts';
import type { ProgramFault, ProgramTools } from './program.ts';
import { programFault } from './program.ts';

const PREFIX = 'fleeting-plugin-';
/** `<registry>/<repository>/<name>/<version>/<program>`, with groups in the repository. */
const MAX_DEPTH = 8;
/** Of a folder that holds something else. */
const MAX_FILES = 2000;

/** A program in PATH, also under its long name; else the newest installed version that fits. */
export async function pluginFault(
  { name, folders, installed }: NeededPlugin,
  tools: ProgramTools,
): Promise<ProgramFault | undefined> {
  if (name.startsWith('/')) return await programFault(name, [], tools);
  const { plain, version } = parseName(name);
  const onPath: ProgramFault[] = [];
  for (const one of plain.includes('/') ? [] : [name, plain, `${PREFIX}${plain}`]) {
    const fault = await programFault(one, folders, tools);
    if (fault === undefined) return undefined;
    onPath.push(fault);
  }
  const programs = await filesBelow(installed, tools);
  // What may not be read may hold it.
  if (programs === undefined) return undefined;
  const versions = programs.filter((path) => isOf(dirname(dirname(path)), plain));
  const fitting = versions.filter((path) => fits(versionOf(path), version));
  const faults: ProgramFault[] = [];
  for (const path of fitting) {
    const fault = await programFault(path, [], tools);
    if (fault === undefined) return undefined;
    faults.push(fault);
  }
  const spoiled = [...faults, ...onPath].find(({ kind }) => kind !== 'missing');
  return spoiled ?? missing({ name, folders, installed }, versions);
}

function missing(
  { name, folders, installed }: NeededPlugin,
  versions: readonly string[],
): ProgramFault {
  const looked = `${folders.join(':')} or ${installed.join(' or ')}`;
  const others = versions.map((path) => versionOf(path)).toSorted();
  const detail =
    others.length === 0
      ? `is not in ${looked}`
      : `is installed as ${others.join(', ')} alone, and ${name} wants another version`;
  return { kind: 'missing', detail };
}

/** A colon behind the last slash begins the version. */
function parseName(name: string): { readonly plain: string; readonly version: string } {
  const [, plain = name, version = 'latest'] = /^(.*?)(?::([^:/]*))?$/.exec(name) ?? [];
  return { plain, version: version === '' ? 'latest' : version };
}

/** The files below the folders of plugins, links followed; undefined where one of them may not be read. */
async function filesBelow(
  roots: readonly string[],
  { paths }: ProgramTools,
): Promise<readonly string[] | undefined> {
  const files: string[] = [];
  let folders = [...roots];
  try {
    for (let depth = 0; depth < MAX_DEPTH && folders.length > 0; depth += 1) {
      const below: string[] = [];
      for (const folder of folders) {
        for (const name of await namesOf(paths, folder)) {
          const path = join(folder, name);
          const info = await statIn(paths, path).catch(ifGone);
          if (info?.isDirectory() === true) below.push(path);
          if (info?.isFile() === true) files.push(path);
          if (below.length + files.length > MAX_FILES) return undefined;
        }
      }
      folders = below;
    }
    return files;
  } catch {
    return undefined;
  }
}

async function namesOf(paths: Paths, folder: string): Promise<readonly string[]> {
  return (await namesIn(paths, folder).catch(ifGone)) ?? [];
}

function ifGone(error: unknown): undefined {
  if (!isErrno(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) throw error;
}

/** With or without the registry, the repository and the long name. */
function isOf(folder: string, plain: string): boolean {
  return shortened(folder).endsWith(shortened(plain));
}

function shortened(path: string): string {
  return `/${path}`.replaceAll(`/${PREFIX}`, '/');
}

function versionOf(path: string): string {
  return dirname(path).split('/').at(-1) ?? '';
}

/** `1`, `1.5` and `1.5.1` want versions that begin so; what is no number may mean any. */
function fits(version: string, wanted: string): boolean {
  if (!/^\d+(?:\.\d+){0,2}$/.test(wanted) || !/^v?\d+(?:\.\d+)*$/.test(version)) return true;
  return `${version.replace(/^v/, '')}.`.startsWith(`${wanted}.`);
}
