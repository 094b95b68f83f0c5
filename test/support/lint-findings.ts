/** Findings of the linter, from a real text, in a snapshot. */
import type { Snapshot } from '../../src/core/check.ts';
import { lintText } from './lint-text.ts';
import { LINT_NOW } from './lint-cases.ts';
import { changeContext, CONFIG } from './snapshots.ts';

/** The linter's report on a config.toml, as the daemon keeps it. */
export function withLint(snapshot: Snapshot, text: string): Snapshot {
  const report = lintText(text, CONFIG, { now: LINT_NOW });
  const lint = { ...report, at: snapshot.takenAt };
  return changeContext(snapshot, { lint });
}

function tomlEntry(name: string, token: string): string {
  return `[[runners]]\n  name = "${name}"\n  url = "https://gitlab.example.com/"\n  token = "${token}"\n  request_concurrency = 2\n`;
}

const DOCKER =
  '  executor = "docker"\n  [runners.docker]\n    image = "alpine"\n    volumes = ["/cache"]\n';

/** Two entries, as in the default snapshot; the lines replace the executor of the first one. */
export function twoEntries(lines: string, globals = 'concurrent = 4\n'): string {
  const first = tomlEntry('docker-1', 'glrt-0123456789abcdefghij') + (lines || DOCKER);
  return `${globals}${first}${tomlEntry('docker-2', 'glrt-1123456789abcdefghij')}${DOCKER}`;
}
