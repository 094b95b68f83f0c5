/**
 * Keeps the lint report of the runner's config.toml up to date: lints in a child process when the content, the runner's
 * process or the time has changed. Readers get the last report.
 */
import type { Clock, Instant } from '../core/clock.ts';
import type { LintState } from '../core/lint.ts';
import type { Paths } from '../core/paths.ts';
import type { RunnerProcess } from '../core/reading.ts';
import { LintProcess } from './in-child.ts';

/** Files and rights may change without the config. */
const AGAIN_SECONDS = 300;

export interface LintQuestion {
  /** Where its files are seen. */
  readonly paths: Paths;
  readonly configPath: string;
  readonly content?: { readonly bytes: Uint8Array; readonly hash: string } | undefined;
  readonly modifiedAt?: Instant | undefined;
  readonly process: RunnerProcess | undefined;
  readonly unitEnvironment?: Readonly<Record<string, string>> | undefined;
  readonly unit?: string | undefined;
}

export class LintWatch {
  readonly #clock: Clock;
  readonly #child = new LintProcess();
  #state: LintState | undefined;
  #key = '';
  #askedSeconds = Number.NEGATIVE_INFINITY;
  #pending: Promise<void> | undefined;
  #hash = '';
  #newest = Number.NEGATIVE_INFINITY;
  #owner = '';
  #changedUnseen = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Absent until the first answer. */
  state(): LintState | undefined {
    return this.#state;
  }

  /** Starts a lint run when one is due; does not wait for it. */
  update(question: LintQuestion): void {
    this.#follow(question);
    const { configPath, content } = question;
    const key = [configPath, content?.hash, this.#owner, this.#changedUnseen].join(' ');
    const seconds = this.#clock.seconds();
    const isDue = key !== this.#key || seconds - this.#askedSeconds >= AGAIN_SECONDS;
    if (!isDue || this.#pending !== undefined) return;
    this.#askedSeconds = seconds;
    this.#pending = this.#judge(question, key);
  }

  /** Resolves when no lint run is in progress. */
  async whenIdle(): Promise<void> {
    await this.#pending;
  }

  stop(): void {
    this.#child.stop();
  }

  /** The runner reloads a file whose time is newer than the one it remembers, and no other. */
  #follow({ content, modifiedAt, process: runner }: LintQuestion): void {
    const owner = runner === undefined ? '' : `${runner.pid} ${runner.startedAt}`;
    if (owner !== this.#owner || modifiedAt === undefined || content === undefined) {
      this.#changedUnseen = false;
    } else if (modifiedAt > this.#newest) {
      this.#changedUnseen = false;
    } else if (this.#hash !== '' && content.hash !== this.#hash) {
      this.#changedUnseen = true;
    }
    this.#owner = owner;
    this.#hash = content?.hash ?? '';
    this.#newest = Math.max(this.#newest, modifiedAt ?? this.#newest);
  }

  async #judge(question: LintQuestion, key: string): Promise<void> {
    const { content, configPath, paths, process: runner, unitEnvironment, unit } = question;
    try {
      const request = {
        configPath,
        process: runner,
        unitEnvironment,
        unit,
        history: { changedUnseen: this.#changedUnseen },
        paths,
        ...(content === undefined
          ? {}
          : { content: Buffer.from(content.bytes).toString('base64') }),
      };
      // `check` waits for the first report, and so does the first page.
      const report = await this.#child.lint(request, this.#state !== undefined);
      if (report === undefined) {
        // The last one is of another content, or of another process.
        if (key !== this.#key) this.#state = undefined;
        return;
      }
      this.#state = { ...report, at: this.#clock.wall() };
      this.#key = key;
    } finally {
      this.#pending = undefined;
    }
  }
}
