/**
 * How a runner reads config.toml, by the libraries that its program was linked with: TOML v1.6.0, since GitLab Runner 18.9,
 * reads TOML 1.1; 18.10, the first with step-runner v0.31, fills in variables in `url` and `token`. A runner whose program
 * cannot be read is taken for the newest.
 */
import type { GoBuild } from '../../core/go-build.ts';
import type { Version } from '../../core/product-version.ts';
import { parseVersion } from '../../core/product-version.ts';
import type { RunnerProgram } from '../../core/reading.ts';

export type TomlVersion = '1.0' | '1.1';

export interface Dialect {
  readonly toml: TomlVersion;
  /** `$NAME` in `url` and `token` is replaced; undefined where the program does not tell. */
  readonly fillsVariables: boolean | undefined;
}

const NEWEST_TOML_MINOR = 6;
/** Libraries that read TOML 1.1 where this variable is set. */
const FLAG_SINCE_MINOR = 4;
const FLAG = 'BURNTSUSHI_TOML_110';
const FILLS_SINCE = { major: 18, minor: 10 };
/** In it. 18.9 has 29; builds between the two have 30. */
const FILLS_SINCE_STEPS_MINOR = 31;
const LITERAL_UNTIL_STEPS_MINOR = 29;

export function dialectOf(program: RunnerProgram | undefined): Dialect {
  const { go, environment } = program ?? {};
  const minor = minorOf(go?.toml, 1) ?? NEWEST_TOML_MINOR;
  const isFlagged = minor >= FLAG_SINCE_MINOR && (environment?.[FLAG] ?? '') !== '';
  return {
    toml: minor >= NEWEST_TOML_MINOR || isFlagged ? '1.1' : '1.0',
    fillsVariables: fillsVariables(go),
  };
}

function fillsVariables(go: GoBuild | undefined): boolean | undefined {
  const release = go?.release === undefined ? undefined : parseVersion(go.release);
  if (release !== undefined) return isAtLeast(release, FILLS_SINCE);
  const toml = minorOf(go?.toml, 1);
  if (toml === undefined) return true;
  return toml === NEWEST_TOML_MINOR ? fillsBySteps(go?.steps) : toml > NEWEST_TOML_MINOR;
}

function fillsBySteps(version: string | undefined): boolean | undefined {
  const steps = minorOf(version, 0);
  if (steps === undefined) return undefined;
  if (steps >= FILLS_SINCE_STEPS_MINOR) return true;
  return steps <= LITERAL_UNTIL_STEPS_MINOR ? false : undefined;
}

function isAtLeast({ major, minor }: Version, wanted: Pick<Version, 'major' | 'minor'>): boolean {
  return major > wanted.major || (major === wanted.major && minor >= wanted.minor);
}

/** The second number of `v1.6.0`; a higher first number is above every second one. */
function minorOf(version: string | undefined, major: number): number | undefined {
  const found = version === undefined ? undefined : parseVersion(version);
  if (found === undefined || found.major < major) return undefined;
  return found.major > major ? Infinity : found.minor;
}
