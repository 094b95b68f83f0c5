/** A real Prometheus that scrapes one address each second: `await using prometheus = await startPrometheus(…)`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { sendRequest } from './http-client.ts';
import { closedPort } from './tcp-server.ts';
import { until } from './until.ts';

export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [at: number, text: string];
}

export interface Prometheus extends AsyncDisposable {
  /** The instant vector of a PromQL expression; one that cannot be evaluated is an error. */
  query(expression: string): Promise<readonly Sample[]>;
}

/** `target` is `host:port`; the rest of the configuration may be given in the form of prometheus.yml. */
export async function startPrometheus(
  target: string,
  scrapeConfigs = scrapeOf(target),
  everySeconds = 1,
): Promise<Prometheus> {
  const folder = await mkdtemp(join(tmpdir(), 'runnerwatch-prometheus-'));
  const port = await closedPort();
  const every = ['scrape_interval', 'scrape_timeout', 'evaluation_interval'].map(
    (name) => `${name}: ${everySeconds}s`,
  );
  const config = `global: {${every.join(', ')}}\n${scrapeConfigs}\n`;
  await writeFile(join(folder, 'prometheus.yml'), config);
  const child = spawn(
    'prometheus',
    [
      `--config.file=${folder}/prometheus.yml`,
      `--storage.tsdb.path=${folder}/data`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=error',
    ],
    { stdio: 'ignore' },
  );
  const exited = once(child, 'exit');
  const address = `http://127.0.0.1:${port}`;
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await exited;
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await until(
      async () => (await sendRequest(`${address}/-/ready`).catch(() => undefined))?.status === 200,
    );
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    query: async (expression) => {
      const reply = await sendRequest(
        `${address}/api/v1/query?query=${encodeURIComponent(expression)}`,
      );
      const answer = JSON.parse(reply.text) as {
        readonly error?: string;
        readonly data?: { readonly result: readonly Sample[] };
      };
      if (answer.data === undefined) throw new Error(`${answer.error}, of ${expression}`);
      return answer.data.result;
    },
    [Symbol.asyncDispose]: stop,
  };
}

function scrapeOf(target: string): string {
  return `scrape_configs:
  - job_name: runnerwatch
    static_configs: [{targets: ['${target}']}]`;
}
