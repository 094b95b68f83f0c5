/** A machine that has run the lab has more than `npm test` may count on. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

interface DebianPackage {
  readonly name: string;
  readonly proof: string;
}

// Plain JavaScript without types of its own, since it is read before anything is installed.
const LIST: string = '../tools/debian-packages.mjs';
const { NEEDED } = (await import(LIST)) as {
  readonly NEEDED: Readonly<Record<string, readonly DebianPackage[]>>;
};
const LAB = join(import.meta.dirname, '../lab');
/** There these names are data: what a person types to take a cause away, or the engine of a container. */
const NAMING = [
  'demo/container',
  'diagnosis/',
  'follow-ups/firewall-of-host',
  'go/dns/servers-at-start',
  'probes/service-container',
  'host/proc/container-id',
  'host/docker/container-manager',
  'host/docker/container-state',
].map((name) => join(import.meta.dirname, name));

/** Every source text of the tests that `npm test` runs. */
function testTexts(): readonly string[] {
  return readdirSync(import.meta.dirname, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((path) => [LAB, ...NAMING, import.meta.filename].every((own) => !path.startsWith(own)))
    .map((path) => readFileSync(path, 'utf8'));
}

test('what only the lab installs is used by the lab alone', () => {
  const installed = new Set(NEEDED['test']?.map(({ name }) => name));
  const missing = (NEEDED['lab'] ?? []).filter(({ name }) => !installed.has(name));
  const texts = testTexts();
  const used = missing.filter(({ proof }) =>
    texts.some((text) => new RegExp(`['"\`]${proof}\\b`).test(text)),
  );

  expect(used.map(({ name }) => name)).toEqual([]);
});
