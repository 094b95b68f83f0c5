/**
 * Follows the unit's journal: first the existing entries, then new ones, by one `journalctl` without a shell. It is
 * not a `boundedChild`: it runs as long as the daemon and has no deadline.
 *
 * Promises: no line is read twice or lost when the child restarts (own cursor, since `--cursor-file` is not written
 * when a signal ends it); a child that ends is started again, with growing delays; never more than one.
 */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';

import { isErrno } from '../../core/errno.ts';
import { childPath } from '../../core/paths.ts';
import type { LogSource } from '../../core/runner-event.ts';
import { parseJournalEntry } from './journal-entry.ts';
import { LineSplitter } from './line-splitter.ts';
import type { Reader, ReaderDeps } from './reader.ts';
import { BACKLOG_SECONDS } from './reader.ts';
import { isThereIn } from '../../host/fs/in-root.ts';

const MAX_OLD_ENTRIES = 4000;
const FIRST_WAIT_SECONDS = 1;
const MAX_WAIT_SECONDS = 60;
/** A child that lived this long has worked: the next one need not wait. */
const GOOD_SECONDS = 30;
const PROVEN_MILLISECONDS = 2000;
const MAX_MESSAGE_LENGTH = 4096;
const DIRECTORIES = ['/var/log/journal', '/run/log/journal'];

type JournalSource = Extract<LogSource, { readonly kind: 'journal' }>;

export class JournalReader implements Reader {
  readonly #source: JournalSource;
  readonly #deps: ReaderDeps;
  #child: ChildProcess | undefined;
  #timer: NodeJS.Timeout | undefined;
  #waitSeconds = FIRST_WAIT_SECONDS;
  #cursor = '';
  #since: number;
  #isOld = true;
  #isStopped = false;
  /** The journal is there and not for this user. */
  #isHidden = false;

  constructor(source: JournalSource, deps: ReaderDeps) {
    this.#source = source;
    this.#deps = deps;
    this.#since = Math.floor(deps.clock.wall() / 1000);
    deps.onState({ state: 'starting', detail: `the journal of ${source.unit}` });
    void this.#run();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#child?.kill('SIGKILL');
  }

  async #run(): Promise<void> {
    const { paths } = this.#deps;
    const directory = paths.rootfs === '/' ? undefined : await firstThere(this.#deps);
    if (this.#isStopped) return;
    const words = [
      '--output=json',
      '--all',
      '--no-pager',
      ...unitArguments(this.#source),
      ...(directory === undefined ? [] : ['--directory', directory]),
      ...this.#positionArguments(),
    ];
    const started = this.#deps.clock.seconds();
    // Without a free descriptor there is a child without pipes, and an error soon.
    const child: ChildProcess = spawn('journalctl', words, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' },
    });
    this.#child = child;
    let complaint = '';
    const lines = new LineSplitter((line) => this.#take(line));
    child.stdout?.on('data', (chunk: Buffer) => lines.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => {
      complaint = `${complaint}${String(chunk)}`.slice(-MAX_MESSAGE_LENGTH);
      this.#reportFailure(complaint);
    });
    const proven = setTimeout(() => this.#works(child), PROVEN_MILLISECONDS);
    child.once('close', () => clearTimeout(proven));
    child.once('error', (error) => this.#ended(started, undefined, spawnText(error)));
    child.once('close', (code: number | null) => this.#ended(started, code, complaint));
  }

  #positionArguments(): readonly string[] {
    if (this.#isOld) {
      return ['--since', `@${this.#since - BACKLOG_SECONDS}`, '-n', String(MAX_OLD_ENTRIES)];
    }
    const follow = ['--follow', '--no-tail'];
    return this.#cursor === ''
      ? [...follow, '--since', `@${this.#since}`]
      : [...follow, `--after-cursor=${this.#cursor}`];
  }

  #take(line: string): void {
    if (!this.#isOld && !this.#deps.mayTake()) {
      this.#cursor =
        /"__CURSOR"\s*:\s*"(?<cursor>[^"]+)"/.exec(line)?.groups?.['cursor'] ?? this.#cursor;
      return;
    }
    const entry = parseJournalEntry(line);
    if (entry === undefined) return;
    this.#cursor = entry.cursor === '' ? this.#cursor : entry.cursor;
    const { text, at, event } = entry;
    this.#deps.onLine({
      text,
      at,
      isOld: this.#isOld,
      ...(event === undefined ? {} : { event }),
    });
  }

  /** A child that follows the journal never reports success: it works when it keeps running. */
  #works(child: ChildProcess): void {
    if (this.#child !== child || this.#isOld || this.#isHidden) return;
    this.#deps.onState({ state: 'reading', detail: `the journal of ${this.#source.unit}` });
  }

  /** Without the right to see the system's journal it gives an empty answer and a hint. */
  #reportFailure(complaint: string): void {
    if (!/not seeing messages from other users|insufficient permissions/.test(complaint)) return;
    this.#isHidden = true;
    this.#deps.onState({ state: 'not-allowed', detail: 'this user may not read the journal' });
  }

  #ended(started: number, code: number | undefined | null, complaint: string): void {
    if (this.#isStopped || this.#child === undefined) return;
    this.#child = undefined;
    if (code === 0) this.#readToTheEnd();
    else this.#failed(started, code, complaint);
  }

  /** A child that follows but ends with success has printed all entries: it is started again soon. */
  #readToTheEnd(): void {
    const wasOld = this.#isOld;
    this.#isOld = false;
    this.#waitSeconds = FIRST_WAIT_SECONDS;
    if (!this.#isHidden)
      this.#deps.onState({ state: 'reading', detail: `the journal of ${this.#source.unit}` });
    this.#timer = setTimeout(() => void this.#run(), wasOld ? 0 : FIRST_WAIT_SECONDS * 1000);
  }

  #failed(started: number, code: number | undefined | null, complaint: string): void {
    const wasGood = this.#deps.clock.seconds() - started > GOOD_SECONDS;
    this.#waitSeconds = wasGood ? FIRST_WAIT_SECONDS : this.#waitSeconds;
    if (!wasGood && !this.#isHidden) {
      const [first = `journalctl exited with ${String(code)}`] = complaint
        .split('\n')
        .filter(Boolean);
      this.#deps.onState({ state: 'failed', detail: `journalctl failed: ${first}` });
    }
    this.#timer = setTimeout(() => void this.#run(), this.#waitSeconds * 1000);
    this.#waitSeconds = Math.min(MAX_WAIT_SECONDS, this.#waitSeconds * 2);
    // The journal itself may be gone: existing entries are read again from the cursor on.
    this.#isOld = this.#cursor === '' && this.#isOld;
  }
}

/** What a user unit wrote, and what that user's systemd reports about it. */
function unitArguments({ unit, ownerId }: JournalSource): readonly string[] {
  if (ownerId === undefined) return ['--unit', unit];
  const owner = `_UID=${ownerId}`;
  return [`_SYSTEMD_USER_UNIT=${unit}`, owner, '+', `USER_UNIT=${unit}`, owner];
}

function spawnText(error: Error): string {
  return isErrno(error, 'ENOENT') ? 'journalctl is not installed' : error.message;
}

async function firstThere({ paths }: ReaderDeps): Promise<string | undefined> {
  for (const directory of DIRECTORIES) {
    if (await isThereIn(paths, directory)) return childPath(paths, directory);
  }
  return childPath(paths, DIRECTORIES[0] ?? '');
}
