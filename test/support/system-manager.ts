/**
 * A root folder in which systemd seems to run, and a stand-in for `systemctl` that is first on PATH, since no systemd
 * runs here. It prints the given properties.
 */
import { writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

import type { RootFolder } from './dns-server.ts';
import { rootFolder } from './dns-server.ts';

export interface SystemdHost extends RootFolder {
  /** What `systemctl` was called with, one line for each call. */
  readonly callsFile: string;
}

const SYSTEMD_RUNS = { '/run/systemd/system/mark': '' };

/** `systemctl` is the rest of a shell script; without one no systemd runs. PATH is put back at the end. */
export async function startHost(
  files: Readonly<Record<string, string>>,
  systemctl?: string,
): Promise<SystemdHost> {
  const root = await rootFolder({
    ...files,
    '/stand-in/calls': '',
    ...(systemctl === undefined ? {} : SYSTEMD_RUNS),
  });
  const folder = join(root.paths.rootfs, 'stand-in');
  const callsFile = join(folder, 'calls');
  const text = `#!/bin/sh\necho "$*" >> '${callsFile}'\n${systemctl ?? 'exit 1'}\n`;
  await writeFile(join(folder, 'systemctl'), text, { mode: 0o755 });
  const before = process.env['PATH'] ?? '';
  process.env['PATH'] = `${folder}${delimiter}${before}`;
  return {
    paths: root.paths,
    callsFile,
    [Symbol.asyncDispose]: async () => {
      process.env['PATH'] = before;
      await root[Symbol.asyncDispose]();
    },
  };
}

/** A script that prints these properties; the others are those of a running unit. */
export function createStates(properties: Readonly<Record<string, string | number>>): string {
  const all = {
    Result: 'success',
    NRestarts: 0,
    MainPID: 0,
    LoadState: 'loaded',
    ActiveState: 'active',
    SubState: 'running',
    ...properties,
  };
  const lines = Object.entries(all).map(([key, value]) => `${key}=${value}`);
  return `cat <<'END'\n${lines.join('\n')}\nEND`;
}
