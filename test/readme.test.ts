/** README.md is true: each of its commands does what it says. Its example, of a runner of root, is in test/root. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { startDemo } from './support/demo-process.ts';
import { codeBlocks } from './support/markdown.ts';
import { startPrometheus } from './support/prometheus.ts';
import type { CommandResult, ReadmeHost } from './support/readme-host.ts';
import { readmeHost } from './support/readme-host.ts';
import { until } from './support/until.ts';

const ROOT = join(import.meta.dirname, '..');
/** A build takes its time on a busy machine. */
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');

const linesOf = (language: string): readonly string[] =>
  codeBlocks(README).flatMap((block) => (block.language === language ? block.lines : []));

interface Expected {
  readonly exitCodes?: readonly number[];
  readonly prints?: RegExp;
}
interface Typed extends Expected {
  /** Typed instead, since a test opens no editor and has settings of its own. */
  readonly instead?: string;
  /** Added at the end. */
  readonly flags?: (host: ReadmeHost) => string;
}
interface Done extends Expected {
  /** Done in its place, since a test does not touch this machine's systemd. */
  readonly done: (host: ReadmeHost) => Promise<CommandResult>;
}

/** Commands that another file runs. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  'npm run demo': 'test/fresh-clone.test.ts',
  'npm test': '.ci/run',
};

/** This machine may be busy or nearly full: a warning, and no matter here. */
const HEALTHY = { exitCodes: [0, 1], prints: /tls ok {2}http ok {2}api ok {2}token ok/ } as const;

/** Every other command of the readme, in its order, and how it is run here. Paths are those of test/support/readme-host.ts. */
const RUNS: Readonly<Record<string, Typed | Done>> = {
  'cd /opt/runnerwatch': {},
  'sudo npm run build': {},
  'sudo ln -s /opt/runnerwatch/deploy/runnerwatch /usr/local/bin/runnerwatch': {},
  'sudo runnerwatch check': { flags: ({ flags }) => flags, ...HEALTHY },
  'sudo install -m 0644 deploy/systemd/runnerwatch.service /etc/systemd/system/runnerwatch.service':
    {},
  'sudo systemctl daemon-reload': {
    done: async (host) => await host.loadUnit(),
    prints: /^$/,
  },
  'sudo systemctl enable --now runnerwatch': { done: async (host) => await host.startUnit() },
  "curl -s 'http://127.0.0.1:19252/health?format=text'": { prints: HEALTHY.prints },
  'sudo install -D -m 0600 deploy/runnerwatch.example.toml /etc/runnerwatch/runnerwatch.toml': {},
  'sudoedit /etc/runnerwatch/runnerwatch.toml': {
    instead: 'test -w /etc/runnerwatch/runnerwatch.toml',
  },
  'sudo runnerwatch --config.check': {
    instead: 'runnerwatch --config.check --config.file /etc/runnerwatch/runnerwatch.toml',
    prints: /runnerwatch\.toml is valid\n$/,
  },
  'sudo systemctl reload runnerwatch': { done: async (host) => await host.reloadUnit() },
  'curl -s http://127.0.0.1:19252/health': { prints: /^\{\n {2}"status": "(?:pass|warn)",/ },
};

describe('the commands', () => {
  let host: ReadmeHost;
  beforeAll(async () => {
    host = await readmeHost();
  });
  afterAll(async () => {
    await host[Symbol.asyncDispose]();
  });

  test('are all in the table of this test, in their order', () => {
    expect([...Object.keys(ELSEWHERE), ...Object.keys(RUNS)]).toEqual(linesOf('sh'));
  });

  test.each(Object.entries(ELSEWHERE))('%s is run by %s', (line, file) => {
    expect(readFileSync(join(ROOT, file), 'utf8')).toContain(line);
  });

  test.each(Object.entries(RUNS))('%s', async (line, run) => {
    const { exitCode, output } = await ('done' in run
      ? run.done(host)
      : host.run([run.instead ?? line, run.flags?.(host) ?? ''].join(' ')));

    expect(output).toMatch(run.prints ?? /(?:)/);
    expect(run.exitCodes ?? [0]).toContain(exitCode);
  });

  test('leave a service that ends with 0 when systemd stops it', async () => {
    expect(await host.stopUnit()).toBe(0);
  });
});

test('a Prometheus with the scrape configuration answers each query while a cause is there', async () => {
  await using demo = await startDemo();
  await demo.press('unknown-authority');
  await demo.until('health', (text) => text.includes('"confirmed"'));
  const { host } = new URL(demo.statusPage);
  const config = linesOf('yaml').join('\n').replace('127.0.0.1:19252', host);
  expect(config).toContain(host);
  await using prometheus = await startPrometheus(host, config);
  const queries = linesOf('promql');
  const causesOf = async (query: string): Promise<readonly unknown[]> => [
    ...new Set((await prometheus.query(query)).map(({ metric }) => metric['cause'])),
  ];

  expect(queries).not.toEqual([]);
  for (const query of queries)
    await until(async () => (await causesOf(query)).join() === 'tls-unknown-authority');
});
