/**
 * This project in another folder with its packages in place, for commands that write into the project. The
 * packages are links, one by one, so that nothing done to the copy's `node_modules` reaches the original's.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');
const LEFT_OUT = new Set(['node_modules', 'dist', 'coverage', '.git']);
const OWN_PACKAGES = new Set(['.installed-lockfile', '.cache']);
const FOUND_TYPES = 'node_modules/.cache/types.tsbuildinfo';

export async function installedCopy(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const name of await readdir(ROOT)) {
    if (!LEFT_OUT.has(name)) await cp(join(ROOT, name), join(folder, name), { recursive: true });
  }
  const packages = join(folder, 'node_modules');
  await mkdir(packages);
  for (const name of await readdir(join(ROOT, 'node_modules'))) {
    if (!OWN_PACKAGES.has(name))
      await symlink(join(ROOT, 'node_modules', name), join(packages, name));
  }
  // As tools/setup.mjs leaves it: the packages are those of the lockfile.
  const lockfile = await readFile(join(folder, 'package-lock.json'));
  const stamp = createHash('sha256').update(lockfile).digest('hex');
  await writeFile(join(packages, '.installed-lockfile'), stamp);
  await lendTypes(folder);
}

/** What the compiler found here, so that it looks in a copy only at what differs. */
export async function lendTypes(copy: string): Promise<void> {
  const found = join(ROOT, FOUND_TYPES);
  if (existsSync(found)) await cp(found, join(copy, FOUND_TYPES), { recursive: true });
}
