/** The live config is judged in a process of its own: with its files, anew when something changed, and once at a time. */
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { HOST_PATHS } from '../../src/core/paths.ts';
import type { LintQuestion } from '../../src/lint/lint-watch.ts';
import { LintWatch } from '../../src/lint/lint-watch.ts';
import { setClock } from '../support/clock.ts';
import { PROCESS } from '../support/lint-host.ts';
import { manyEntries } from '../support/many-entries.ts';
import { until } from '../support/until.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runnerwatch-lint-watch-'));
  await writeFile(join(folder, 'config.toml'), '', { mode: 0o600 });
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const runner = { ...PROCESS, pid: process.pid, uid: process.getuid?.() ?? 0 };

function question(text: string, over: Partial<LintQuestion> = {}): LintQuestion {
  const hash = createHash('sha256').update(text).digest('hex');
  return {
    paths: HOST_PATHS,
    configPath: join(folder, 'config.toml'),
    content: { bytes: Buffer.from(text), hash },
    modifiedAt: 1000,
    process: runner,
    ...over,
  };
}

/** Rules that are broken, after each of the questions. */
async function rulesAfter(watch: LintWatch, ...questions: readonly LintQuestion[]) {
  for (const one of questions) {
    watch.update(one);
    await watch.whenIdle();
  }
  return watch.state()?.findings.map(({ rule }) => rule);
}

/** A busy machine may give an answer up; the next update asks again. */
async function untilRules(
  watch: LintWatch,
  one: LintQuestion,
  isWanted: (rules: readonly string[]) => boolean,
): Promise<void> {
  await until(async () => isWanted((await rulesAfter(watch, one)) ?? []));
}

const newWatch = (): LintWatch => new LintWatch(setClock());

test('findings of text, files and process come back, without a secret', async () => {
  const watch = newWatch();
  const text = `${manyEntries(1)}  tls-ca-file = "${folder}/no.pem"\nconcurrency = "4"\n[[runners]]\n  limit = "2"\n  tls-ca-file = "${folder}/no.pem"\n`;

  const rules = await rulesAfter(watch, question(text));

  expect(rules).toEqual(expect.arrayContaining(['P05', 'F08', 'T01']));
  expect(JSON.stringify(watch.state())).not.toContain('CANARY');
});

test('nothing is known before the first answer', () => {
  expect(newWatch().state()).toBeUndefined();
});

test('a file that is gone is said to be gone, and nothing else of it', async () => {
  const gone = question('', { configPath: join(folder, 'none.toml'), content: undefined });

  expect(await rulesAfter(newWatch(), gone)).toEqual(['F01']);
});

test('a change is judged anew, and the same content is not', async () => {
  const watch = newWatch();

  expect(await rulesAfter(watch, question('concurrent = 0'))).toContain('G01');
  const before = watch.state();
  expect(await rulesAfter(watch, question('concurrent = 0'))).toContain('G01');
  expect(watch.state()).toBe(before);
  const changed = question('concurrent = 1', { modifiedAt: 2000 });
  await untilRules(watch, changed, (rules) => !rules.includes('G01'));
});

test('after five minutes the same content is judged anew, since files may have changed', async () => {
  const clock = setClock();
  const watch = new LintWatch(clock);
  await rulesAfter(watch, question('concurrent = 0'));
  const before = watch.state();

  await until(async () => {
    clock.advance(301);
    await rulesAfter(watch, question('concurrent = 0'));
    return watch.state() !== before;
  });
  expect(watch.state()?.findings).toEqual(before?.findings);
});

test('a change that the process cannot have seen is said, until it can', async () => {
  const watch = newWatch();
  const changed = question('concurrent = 3', { modifiedAt: 500 });

  expect(await rulesAfter(watch, question('concurrent = 2'))).not.toContain('F09');
  await untilRules(watch, changed, (rules) => rules.includes('F09'));
  expect(await rulesAfter(watch, changed)).toContain('F09');
  await untilRules(watch, { ...changed, modifiedAt: 2000 }, (rules) => !rules.includes('F09'));
  await rulesAfter(watch, changed);
  await untilRules(
    watch,
    { ...changed, process: { ...runner, pid: 1 } },
    (rules) => !rules.includes('F09'),
  );
});

test('while one lint run is in progress no other one starts', async () => {
  const watch = newWatch();
  watch.update(question('concurrent = 0'));
  watch.update(question('concurrent = 1'));
  await watch.whenIdle();

  expect(watch.state()?.findings.map(({ rule }) => rule)).toContain('G01');
});

test('findings of another content are not kept where the answer for this one does not come', async () => {
  const watch = newWatch();
  watch.update(question('concurrent = 0\n'));
  await watch.whenIdle();
  expect(watch.state()).toBeDefined();

  watch.update(question(manyEntries(500)));
  watch.stop();
  await watch.whenIdle();

  expect(watch.state()).toBeUndefined();
});

test('stopping ends a judgement at once', async () => {
  const watch = newWatch();
  watch.update(question(manyEntries(500)));
  watch.stop();
  await watch.whenIdle();

  expect(watch.state()).toBeUndefined();
});
