/**
 * The program of a runner that does not run, as it would start next: that of its unit, or the one that ran last, or the one
 * that is installed.
 */
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';

import type { GoBuild } from '../core/go-build.ts';
import type { Paths } from '../core/paths.ts';
import type { RunnerProcess } from '../core/reading.ts';
import { goBuildOf } from '../host/proc/go-build.ts';
import { findProgram } from '../host/proc/runner-program.ts';
import { readUnitFiles, startedProgram } from '../host/systemd/unit-files.ts';
import { inRoot } from '../host/fs/in-root.ts';

/** `last`: the process that ran last. A program that cannot be read, or a script before it, leaves what that one was. */
export async function installedBuild(
  unit: string | undefined,
  last: RunnerProcess | undefined,
  paths: Paths,
): Promise<GoBuild | undefined> {
  const path =
    (await programOfUnit(unit, paths)) ?? programOfProcess(last) ?? (await findProgram(paths));
  return (path === undefined ? undefined : await buildOfFile(path, paths)) ?? last?.go;
}

async function programOfUnit(unit: string | undefined, paths: Paths): Promise<string | undefined> {
  return unit === undefined ? undefined : startedProgram(await readUnitFiles(unit, paths));
}

function programOfProcess(last: RunnerProcess | undefined): string | undefined {
  const [word] = last?.arguments ?? [];
  return word?.includes('/') === true ? resolve(last?.workingDirectory ?? '/', word) : undefined;
}

/** An update puts another file there. */
async function buildOfFile(path: string, paths: Paths): Promise<GoBuild | undefined> {
  return await inRoot(paths, path, async (seenPath) => {
    const found = await stat(seenPath);
    if (!found.isFile()) return undefined;
    return await goBuildOf(seenPath, `${found.dev} ${found.ino} ${found.size} ${found.mtimeMs}`);
  }).catch(() => undefined);
}
