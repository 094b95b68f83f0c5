/**
 * A stand-in for GitLab Runner: a process that /proc shows as `gitlab-runner run --config …`, polls GitLab for
 * its entries by the rules of runner 19.4 (docs/reference/runner.md#outcomes-of-a-poll) and logs the lines that
 * the runner logs.
 *
 * It is loaded into a Node process by `--import`, so that Node's own command line can look like the
 * runner's; see runner-process.ts. It ends with the demo.
 */
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { connect } from 'node:net';

import type { StandInEntry, StandInOptions } from './runner-options.ts';
import { OPTIONS_VARIABLE } from './runner-options.ts';

const POLL_MILLISECONDS = 3000;
const UNHEALTHY_LIMIT = 3;

const options = readOptions(process.env[OPTIONS_VARIABLE]);
if (options !== undefined) {
  endWithDemo(options);
  log('Configuration loaded', { builds: 0 });
  await Promise.all(options.entries.map((entry) => pollForEver(options, entry)));
}

function end(): never {
  process.exit(0);
}

function endWithDemo({ lifeline }: StandInOptions): void {
  if (lifeline === undefined) {
    process.on('disconnect', end);
    return;
  }
  // The first process of a container ends by a signal only if it listens to it.
  process.on('SIGQUIT', end);
  connect(lifeline)
    .on('error', (error) => log(`FATAL: ${error.message}`, {}))
    .on('close', end)
    .resume();
}

function readOptions(content: string | undefined): StandInOptions | undefined {
  return content === undefined ? undefined : (JSON.parse(content) as StandInOptions);
}

async function pollForEver(given: StandInOptions, entry: StandInEntry): Promise<never> {
  let unhealthy = 0;
  for (;;) {
    // Three refusals in a row switch an entry off for an hour, as in the runner.
    if (unhealthy < UNHEALTHY_LIMIT) {
      const isHealthy = await poll(given, entry);
      unhealthy = isHealthy ? 0 : unhealthy + 1;
      if (unhealthy === UNHEALTHY_LIMIT) {
        const name = `https://${given.host}:${given.port}/${entry.shortToken}`;
        log(`ERROR: Runner "${name}" is unhealthy and will be disabled for 1h0m0s seconds!`, {});
      }
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
  }
}

/** One poll; false when it counts as unhealthy. */
async function poll(given: StandInOptions, { token, shortToken }: StandInEntry): Promise<boolean> {
  try {
    const status = await requestJob(given, token);
    if (status === 204) return true;
    if (status === 403) {
      const url = `https://${given.host}/api/v4/jobs/request`;
      log('ERROR: Checking for jobs... forbidden', {
        runner: shortToken,
        status: `POST ${url}: 403 Forbidden`,
      });
      return false;
    }
    log('WARNING: Checking for jobs... failed', { runner: shortToken, status });
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    log('WARNING: Checking for jobs... failed', { runner: shortToken, status: text });
  }
  return true;
}

async function requestJob({ port, host, caPem }: StandInOptions, token: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const body = JSON.stringify({ token, info: { name: 'gitlab-runner', version: '19.4.0' } });
  const sent = request(
    {
      host: '127.0.0.1',
      port,
      servername: host,
      ca: caPem,
      method: 'POST',
      path: '/api/v4/jobs/request',
      timeout: 10_000,
      headers: {
        Host: `${host}:${port}`,
        'Content-Type': 'application/json',
        'Content-Length': Buffer.byteLength(body),
        'User-Agent': 'gitlab-runner 19.4.0 (19-4-stable; go1.26.5; linux/amd64)',
      },
    },
    (response: IncomingMessage) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode ?? 0));
    },
  );
  sent.once('timeout', () => sent.destroy(new Error('i/o timeout')));
  sent.once('error', reject);
  sent.end(body);
  return await promise;
}

/** The runner's own layout: the message padded, then its fields. */
function log(message: string, fields: Readonly<Record<string, string | number>>): void {
  const pairs = Object.entries(fields).map(([key, value]) => `${key}=${value}`);
  process.stderr.write(`${message.padEnd(50)} ${pairs.join(' ')}\n`);
}
