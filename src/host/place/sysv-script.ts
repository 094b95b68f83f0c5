/** The script in /etc/init.d that starts the runner, on a host without systemd. */

import type { Paths } from '../../core/paths.ts';
import { namesIn, readTextIn } from '../fs/in-root.ts';

export interface InitScript {
  readonly script: string;
  /** The file of variables that it reads. */
  readonly defaultsFile?: string;
}

const FOLDER = '/etc/init.d';
const PROCESS_FILE_FOLDERS = ['/var/run', '/run'];

/** That of a process, by the id that the script wrote down; of none that runs the first one by name. */
export async function findInitScript(
  pid: number | undefined,
  paths: Paths,
): Promise<InitScript | undefined> {
  const names = await namesIn(paths, FOLDER).catch(() => []);
  for (const script of names.filter((name) => name.includes('gitlab-runner')).toSorted()) {
    if (pid === undefined || (await hasStarted(script, pid, paths))) {
      return { script, ...(await defaultsOf(script, paths)) };
    }
  }
  return undefined;
}

async function hasStarted(script: string, pid: number, paths: Paths): Promise<boolean> {
  const texts = await Promise.all(
    PROCESS_FILE_FOLDERS.map(async (folder) => await readText(`${folder}/${script}.pid`, paths)),
  );
  return texts.some((text) => text.trim() === String(pid));
}

async function defaultsOf(script: string, paths: Paths): Promise<Omit<InitScript, 'script'>> {
  const text = await readText(`${FOLDER}/${script}`, paths);
  const named = /\/etc\/(?:default|sysconfig)\/[\w$.{}-]+/.exec(text)?.[0];
  if (named === undefined) return {};
  // The name is mostly written as a variable of the script.
  return { defaultsFile: named.replace(/\$\{?\w+\}?/, script) };
}

async function readText(path: string, paths: Paths): Promise<string> {
  return await readTextIn(paths, path).catch(() => '');
}
