/**
 * Is a container that of a runner, by what it was made to run? A job's container, and one that was made for another
 * command of the runner's program (`register`, `verify`), is none.
 *
 * Source  GET /containers/ID/json; docs/reference/runner-places.md#containers-that-do-not-run.
 */
import { basename, dirname } from 'node:path';

import { runnerArguments } from '../proc/runner-arguments.ts';
import { SYSTEM_DIRECTORY, USER_DIRECTORY } from '../place/runner-files.ts';

/** As its engine tells of it. */
export interface ContainerMake {
  /** Its whole command: the entrypoint, then what the entrypoint is given. */
  readonly words: readonly string[];
  /** What the entrypoint is given. */
  readonly given: readonly string[];
  readonly image: string;
  /** Mount points in it. */
  readonly mountPoints: readonly string[];
  /** Its engine starts it again when it ends. */
  readonly isRestarted: boolean;
}

/** Of a runner's jobs, with their helpers and services; a pod is started again by its cluster. */
const FOREIGN_LABELS = /^(?:com\.gitlab\.gitlab-runner\.|io\.kubernetes\.)/;
/** Commands of the program beside `run`, and its flags that end at once. */
const OTHER_COMMANDS = new Set(
  'list register unregister verify reset-token exec run-single install uninstall start stop restart status help h --help -h --version -v fleeting artifacts-downloader artifacts-uploader artifacts-metadata cache-archiver cache-extractor cache-init health-check read-logs proxy-exec steps'.split(
    ' ',
  ),
);
/** What GitLab's image calls the script that becomes the program. */
const ENTRYPOINT = '/entrypoint';

export function isForeign(labels: Readonly<Record<string, unknown>>): boolean {
  return Object.keys(labels).some((label) => FOREIGN_LABELS.test(label));
}

/** The arguments from `gitlab-runner` on with which it runs the runner; undefined for any other container. */
export function runnerWordsOf(make: ContainerMake): readonly string[] | undefined {
  const named = wordsOfProgram(make.words);
  if (named !== undefined) return named;
  if (!make.mountPoints.some((point) => isConfigFolder(point))) return undefined;
  const ofScript = runnerArguments(['gitlab-runner', ...make.given]);
  return ofScript ?? (isMeantToStay(make) ? ['gitlab-runner', 'run'] : undefined);
}

export function isConfigFolder(mountPoint: string): boolean {
  const folder = mountPoint.endsWith('/config.toml') ? dirname(mountPoint) : mountPoint;
  return folder === SYSTEM_DIRECTORY || basename(folder) === USER_DIRECTORY;
}

/** Behind whatever starts it, or in the text of a shell. */
function wordsOfProgram(words: readonly string[]): readonly string[] | undefined {
  const all = words.flatMap((word) =>
    word.includes('gitlab-runner ') ? word.split(/[\s;&|]+/) : [word],
  );
  for (const index of all.keys()) {
    const [first = '', ...rest] = all.slice(index);
    const found = runnerArguments([first === ENTRYPOINT ? 'gitlab-runner' : first, ...rest]);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Its command is broken, and its engine starts it again all the same. */
function isMeantToStay({ image, given, isRestarted }: ContainerMake): boolean {
  const isOther = given.some((word) => OTHER_COMMANDS.has(word));
  return isRestarted && !isOther && /(?:^|\/)gitlab-runner(?:[:@]|$)/.test(image);
}
