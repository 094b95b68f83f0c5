/**
 * Compiles the program into dist, or into the folder that is given, and copies what it reads beside its code:
 * `node tools/build.ts [FOLDER]`. Types are only erased; `npm run types` checks them.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
/** Folders of src/ that are no code. */
const ASSETS = ['lint/examples'];

const folder = process.argv[2] ?? join(ROOT, 'dist');
const { status } = spawnSync(
  join(ROOT, 'node_modules/.bin/tsc'),
  ['-p', join(ROOT, 'tsconfig.build.json'), '--outDir', folder],
  { stdio: 'inherit' },
);
for (const asset of ASSETS) {
  const target = join(folder, asset);
  rmSync(target, { recursive: true, force: true });
  cpSync(join(ROOT, 'src', asset), target, { recursive: true });
}
process.exitCode = status ?? 1;
