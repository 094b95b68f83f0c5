/** Is the plugin of an autoscaler installed: docs/reference/runner-config.md#plugins-of-autoscalers. */
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import type { NeededPlugin } from '../../core/target.ts';
import { inRoot } from './in-root.ts';
import type { ProgramFault, ProgramTools } from './program.ts';
import { programFault } from './program.ts';

const PREFIX = 'fleeting-plugin-';
const MAX_DEPTH = 8;

/** A program in PATH, also under its long name; else the newest installed version that fits. */
export async function pluginFault(
  { name, folders, installed }: NeededPlugin,
  tools: ProgramTools,
): Promise<ProgramFault | undefined> {
  if (name.startsWith('/')) return await programFault(name, [], tools);
  const { plain, version } = parseName(name);
  const onPath = plain.includes('/')
    ? []
    : await Promise.all(
        [name, plain, `${PREFIX}${plain}`].map(
          async (one) => await programFault(one, folders, tools),
        ),
      );
  if (onPath.includes(undefined)) return undefined;
  const programs = (
    await Promise.all(installed.map(async (root) => await filesIn(root, tools)))
  ).flat();
  const versions = programs.filter((path) => isOf(dirname(dirname(path)), plain));
  const fitting = versions.filter((path) => fits(versionOf(path), version));
  const faults = await Promise.all(
    fitting.map(async (path) => await programFault(path, [], tools)),
  );
  if (faults.includes(undefined)) return undefined;
  const spoiled = [...faults, ...onPath].find((fault) => fault?.kind !== 'missing');
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

/** `<registry>/<repository>/<name>/<version>/<program>` below the folder of the plugins. */
async function filesIn(root: string, { paths }: ProgramTools): Promise<readonly string[]> {
  const names = await inRoot(
    paths,
    root,
    async (seenPath) =>
      await readdir(seenPath, { recursive: true, withFileTypes: true }).then((entries) =>
        entries.flatMap((entry) =>
          entry.isFile() ? [join(entry.parentPath.slice(seenPath.length), entry.name)] : [],
        ),
      ),
  ).catch(() => []);
  return names
    .filter((name) => name.split('/').length <= MAX_DEPTH)
    .map((name) => join(root, name));
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
