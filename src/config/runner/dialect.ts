/**
 * How the runner that runs reads config.toml. Its program names the TOML library that it was linked with: v1.6.0, since
 * GitLab Runner 18.9, reads TOML 1.1; 18.10 fills in variables in `url` and `token`. A runner whose program cannot be read
 * is taken for the newest.
 */
import type { RunnerProcess } from '../../core/reading.ts';

export type TomlVersion = '1.0' | '1.1';

export interface Dialect {
  readonly toml: TomlVersion;
  /** `$NAME` in `url` and `token` is replaced. */
  readonly fillsVariables: boolean;
}

const NEWEST_MINOR = 6;
/** Libraries that read TOML 1.1 where this variable is set. */
const FLAG_SINCE_MINOR = 4;
const FLAG = 'BURNTSUSHI_TOML_110';

export function dialectOf(process: RunnerProcess | undefined): Dialect {
  const minor = libraryMinor(process?.go?.toml);
  const isNewest = minor >= NEWEST_MINOR;
  const isFlagged = minor >= FLAG_SINCE_MINOR && (process?.environment?.[FLAG] ?? '') !== '';
  return { toml: isNewest || isFlagged ? '1.1' : '1.0', fillsVariables: isNewest };
}

function libraryMinor(version: string | undefined): number {
  const minor = /^v1\.(?<minor>\d+)\./.exec(version ?? '')?.groups?.['minor'];
  return minor === undefined ? NEWEST_MINOR : Number(minor);
}
