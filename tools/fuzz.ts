/**
 * `npm run fuzz [COUNT]`: mutated files for the linter, 100,000 by default. Each file that crashes it, takes more than
 * a second, leaks a secret or is broken by a correction is printed in base64.
 */
import { mutatedFiles, problemsWith } from '../test/support/lint-mutations.ts';

const USUAL = 100_000;
const MAX_SECONDS = 1;
const count = Number(process.argv[2] ?? USUAL);

function problemOf(content: Uint8Array): string | undefined {
  const started = performance.now();
  try {
    const found = problemsWith(content);
    const seconds = (performance.now() - started) / 1000;
    // Every way to lint the file together: several times the duration of one lint.
    return seconds > MAX_SECONDS ? `took ${seconds.toFixed(1)} s` : found;
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}

let bad = 0;
for (const content of mutatedFiles(count)) {
  const found = problemOf(content);
  if (found === undefined) continue;
  bad += 1;
  process.stdout.write(`${found}\n${Buffer.from(content).toString('base64')}\n`);
}
process.stdout.write(`${count} files, ${bad} with trouble\n`);
process.exitCode = bad === 0 ? 0 : 1;
