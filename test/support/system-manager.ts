/**
 * A stand-in for `systemctl`, first on PATH, since no systemd runs here: prints what a test says the unit is.
 * With it goes a root folder in which systemd seems to run.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

export interface SystemManager extends AsyncDisposable {
  /** What `systemctl` was called with, one line for each call. */
  readonly callsFile: string;
}

/** `script` is the rest of a shell script; PATH is put back at the end. */
export async function startSystemManager(script: string): Promise<SystemManager> {
  const folder = await mkdtemp(join(tmpdir(), 'runnerwatch-systemctl-'));
  const callsFile = join(folder, 'calls');
  const text = `#!/bin/sh\necho "$*" >> '${callsFile}'\n${script}\n`;
  await writeFile(join(folder, 'systemctl'), text, { mode: 0o755 });
  const before = process.env['PATH'] ?? '';
  process.env['PATH'] = `${folder}${delimiter}${before}`;
  return {
    callsFile,
    [Symbol.asyncDispose]: async () => {
      process.env['PATH'] = before;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Says these properties; those left out are what a running unit has. */
export function saying(properties: Readonly<Record<string, string | number>>): string {
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

/** Where systemd says that it is the first process. */
export const SYSTEMD_RUNS = { '/run/systemd/system/mark': '' };
