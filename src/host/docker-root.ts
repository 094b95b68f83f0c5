/** Where does Docker keep its images and volumes, as far as its own settings tell? */
import { readFile } from 'node:fs/promises';

import type { Paths } from '../core/paths.ts';
import { inRoot } from '../core/paths.ts';

const SETTINGS = '/etc/docker/daemon.json';
const DEFAULT_ROOT = '/var/lib/docker';

/** `data-root` of daemon.json, or the default. */
export async function readDockerRoot(paths: Paths): Promise<string> {
  try {
    const settings: unknown = JSON.parse(await readFile(inRoot(paths, SETTINGS), 'utf8'));
    if (typeof settings !== 'object' || settings === null) return DEFAULT_ROOT;
    const root = 'data-root' in settings ? settings['data-root'] : undefined;
    return typeof root === 'string' && root.startsWith('/') ? root : DEFAULT_ROOT;
  } catch {
    return DEFAULT_ROOT;
  }
}
