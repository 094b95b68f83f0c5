/**
 * The examples of the rules: `examples/G01/bad.toml` breaks G01, `good.toml` is how it should be. `explain`, the docs
 * and the tests read the same files; `npm run build` copies them beside this one.
 */
import { readFileSync } from 'node:fs';

export interface Examples {
  readonly bad: string;
  readonly good: string;
}

export function examplesOf(code: string): Examples {
  return { bad: exampleText(code, 'bad'), good: exampleText(code, 'good') };
}

function exampleText(code: string, name: keyof Examples): string {
  const file = new URL(`./examples/${code}/${name}.toml`, import.meta.url);
  return readFileSync(file, 'utf8').trimEnd();
}
