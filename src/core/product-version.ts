/** The version of GitLab or its runner, taken apart once where it is read. */
import { dataKey } from './finding-data.ts';

export interface Version {
  /** As it was read: `19.4.0`. */
  readonly text: string;
  readonly major: number;
  readonly minor: number;
}

/** Of the runner that runs, by its counters or its log. */
export const RUNNER_VERSION = dataKey<Version>('runner-version');

/** Undefined for what is no version, as of a build of one's own. */
export function parseVersion(text: string): Version | undefined {
  const { major, minor } = /^v?(?<major>\d+)\.(?<minor>\d+)/.exec(text)?.groups ?? {};
  if (major === undefined || minor === undefined) return undefined;
  return { text, major: Number(major), minor: Number(minor) };
}
