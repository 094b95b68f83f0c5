/**
 * The lab's runner: a process that /proc shows as `gitlab-runner run --config …`, polls for jobs by the rules of
 * runner 19.4 (docs/reference/runner.md#outcomes-of-a-poll) and logs its lines. Loaded by `--import` into a Node
 * process, which then never reaches its main script.
 */
import { readFile, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import type { HttpUrl } from '../../src/core/http-url.ts';
import { urlBelow } from '../../src/core/http-url.ts';
import { httpUrlOf } from '../../src/go/http-url.ts';
import type { Fields, Level } from './runner-log.ts';
import { logLine, ownCorrelationId } from './runner-log.ts';
import { takeAllFiles, takeMemory } from './runner-greed.ts';
import type { RunnerStandInOptions } from './runner-options.ts';
import { OPTIONS_VARIABLE } from './runner-options.ts';
import type { PollResult } from './runner-poll.ts';
import { pollForJob } from './runner-poll.ts';

const UNHEALTHY_LIMIT = 3;
const POLL_PATH = 'api/v4/jobs/request';

interface Entry {
  readonly url: string;
  readonly token: string;
  readonly caFile: string | undefined;
}

/** The error of every poll while no file can be opened. */
const OUT_OF_FILES = 'dial tcp: lookup gitlab.test on 10.200.0.2:53: socket: too many open files';

const options = JSON.parse(process.env[OPTIONS_VARIABLE] ?? '{}') as RunnerStandInOptions;
const CONFIG = options.config;
const paths = { rootfs: options.root === '' ? '/' : options.root, procfs: '/proc', sysfs: '/sys' };
const unhealthy = new Map<string, number>();
const disabledUntil = new Map<string, number>();
const SYSTEM_ID_FILE = `${options.root}${dirname(CONFIG)}/.runner_system_id`;
let lastConfig = '';
let loadedAt = 0;
/** Takes the files that are left before each turn, when no poll holds one that it gives back. */
let isGreedy = false;

// The kernel's log and /proc name it as they would name the real one.
await writeFile('/proc/self/comm', 'gitlab-runner');
process.once('SIGUSR1', takeMemory);
process.once('SIGUSR2', () => (isGreedy = true));
log('info', 'Configuration loaded', { builds: 0 });
for (;;) {
  if (isGreedy) takeAllFiles();
  const entries = await readEntries();
  await Promise.all(entries.map((entry) => turn(entry)));
  await delay(options.checkSeconds * 1000);
}

async function readEntries(): Promise<readonly Entry[]> {
  const text = await readFile(`${options.root}${CONFIG}`, 'utf8').catch(problemOf);
  if (typeof text !== 'string') {
    if (text.said !== '') log('error', `Failed to load config ${text.said}`, { builds: 0 });
    return entriesOf(lastConfig);
  }
  const { mtimeMs } = await stat(`${options.root}${CONFIG}`);
  // A reload forgets who was unhealthy.
  if (loadedAt !== 0 && mtimeMs !== loadedAt) {
    disabledUntil.clear();
    unhealthy.clear();
    log('info', 'Configuration loaded', { builds: 0 });
  }
  loadedAt = mtimeMs;
  lastConfig = text;
  return entriesOf(text);
}

/** Nothing when the real one would not open the file: it only checks whether the file has changed. */
function problemOf(error: unknown): { readonly said: string } {
  const code = error instanceof Error && 'code' in error ? error.code : '';
  const why: Readonly<Record<string, string>> = {
    EACCES: `open ${CONFIG}: permission denied`,
    EMFILE: '',
  };
  return { said: why[String(code)] ?? `stat ${CONFIG}: no such file or directory` };
}

/** The lab writes its config itself, one key a line. */
function entriesOf(text: string): readonly Entry[] {
  const [, ...tables] = text.split('[[runners]]');
  return tables.map((table) => ({
    url: withDefaults(valueOf(table, 'url') ?? ''),
    token: withDefaults(valueOf(table, 'token') ?? ''),
    caFile: valueOf(table, 'tls-ca-file'),
  }));
}

function valueOf(table: string, key: string): string | undefined {
  return new RegExp(`^ *${key} = "(?<value>[^"]*)"`, 'm').exec(table)?.groups?.['value'];
}

/** A variable that its environment lacks becomes nothing. */
function withDefaults(text: string): string {
  return text.replaceAll(/\$\{?(?<name>\w+)\}?/g, (_all, name: string) => process.env[name] ?? '');
}

async function turn(entry: Entry): Promise<void> {
  const runner = entry.token.replace(/^glrt-/, '').slice(0, 9);
  const until = disabledUntil.get(runner) ?? 0;
  if (until > Date.now()) return;
  if (until > 0) {
    disabledUntil.delete(runner);
    const said = `Runner "${entry.url}${runner}" is not healthy, but check for a new job will be forced!`;
    log('warning', said, {
      unhealthy_requests: UNHEALTHY_LIMIT,
      unhealthy_requests_limit: UNHEALTHY_LIMIT,
    });
  }
  if (entry.token.trim() === '') {
    const said =
      'Runner token is empty or whitespace; this runner will be skipped during job polling.';
    return log('warning', said, { builds: 0 });
  }
  const isHealthy = await poll(entry, runner);
  const count = isHealthy ? 0 : (unhealthy.get(runner) ?? 0) + 1;
  unhealthy.set(runner, count);
  if (count < UNHEALTHY_LIMIT) return;
  unhealthy.set(runner, 0);
  disabledUntil.set(runner, Date.now() + options.unhealthySeconds * 1000);
  const said = `Runner "${entry.url}${runner}" is unhealthy and will be disabled for 1h0m0s seconds!`;
  log('error', said, { unhealthy_requests: count, unhealthy_requests_limit: UNHEALTHY_LIMIT });
}

/** False when the answer counts as unhealthy. */
async function poll({ url, token, caFile }: Entry, runner: string): Promise<boolean> {
  const parsed = httpUrlOf(`${url.replace(/\/+$/, '')}/`);
  if (typeof parsed === 'string') {
    const status =
      parsed === 'unparsable'
        ? `get client: new client: parse "${url}api/v4/": invalid character in host name`
        : 'get client: new client: only http or https scheme supported';
    log('error', 'Checking for jobs... client error', { runner, status });
    return false;
  }
  try {
    const systemId = await readFile(SYSTEM_ID_FILE, 'utf8');
    return judge(await pollForJob({ url: parsed, token, caFile, paths, systemId }), runner, parsed);
  } catch (error) {
    const target = urlBelow(parsed, POLL_PATH).href;
    const cause = isOutOfFiles(error) ? OUT_OF_FILES : textOf(error);
    const status = `execute JSON request: execute request: couldn't execute POST against ${target}: Post "${target}": ${cause}`;
    log('warning', 'Checking for jobs... failed', { runner, status });
    return true;
  }
}

function isOutOfFiles(error: unknown): boolean {
  return /EMFILE|too many open files/.test(textOf(error));
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function judge(answer: PollResult, runner: string, url: HttpUrl): boolean {
  const { status, headers } = answer;
  if (status === 204 || status === 201) return true;
  const correlation = headers['x-request-id'] ?? ownCorrelationId();
  const fields = { correlation_id: correlation, runner, status: statusText(answer, url) };
  if (status === 403) log('error', 'Checking for jobs... forbidden', fields);
  else if (status === 503) {
    log('warning', 'Checking for jobs... GitLab instance currently unavailable', fields);
  } else log('warning', 'Checking for jobs... failed', fields);
  if (isRetried(status)) {
    const target = urlBelow(url, POLL_PATH).href;
    const context = 'ratelimit-requester-gitlab-request';
    const waits = { context, duration: '2s', method: 'POST', url: target };
    log('info', 'Waiting before making the next call', waits);
  }
  return status !== 403;
}

/** What the runner tries again within one poll. */
function isRetried(status: number): boolean {
  return [408, 429, 500, 502, 504].includes(status) || status >= 512;
}

/** A JSON answer is logged with its request, any other by its status alone. */
function statusText({ status, phrase, headers, body }: PollResult, url: HttpUrl): string {
  const bare = `${status} ${phrase}`;
  if (headers['content-type']?.startsWith('application/json') !== true) return bare;
  const reported = `POST ${urlBelow(url, POLL_PATH).href}: ${bare}`;
  if (status === 403) return reported;
  const { message = '' } = JSON.parse(body) as { readonly message?: string };
  return `${reported} (${message})`;
}

function log(level: Level, message: string, fields: Fields): void {
  const line = logLine(options.format, level, message, fields, new Date());
  process.stderr.write(`${line}\n`);
}
