/**
 * Follows the log of a container at its engine, over restarts and over a new container of the same name. Asks once a
 * second for what came after the last line: a stream would end at each restart, and an old line costs little to skip.
 */
import { Absences, RESTART_SECONDS } from '../../core/absences.ts';
import { errnoText, isErrno } from '../../core/errno.ts';
import type { LogSource } from '../../core/runner-event.ts';
import type { ContainerLine } from '../../host/docker/container-log.ts';
import { readContainerLog } from '../../host/docker/container-log.ts';
import type { Reader, ReaderDeps } from './reader.ts';
import { BACKLOG_SECONDS } from './reader.ts';

const POLL_MILLISECONDS = 1000;
const MAX_OLD_LINES = 2000;
/** Of one second; more are only asked for where they are more. */
const USUAL_LINES = 200;

type ContainerSource = Extract<LogSource, { readonly kind: 'container' }>;

export class ContainerReader implements Reader {
  readonly #source: ContainerSource;
  readonly #deps: ReaderDeps;
  readonly #stopped = new AbortController();
  /** The time of the last line, and how many lines had it. */
  #last: { readonly stamp: string; readonly seconds: number; readonly count: number };
  #isOld = true;
  #wasRead = false;
  readonly #absences = new Absences();
  #timer: NodeJS.Timeout | undefined;

  constructor(source: ContainerSource, deps: ReaderDeps) {
    this.#source = source;
    this.#deps = deps;
    const seconds = Math.floor(deps.clock.wall() / 1000) - BACKLOG_SECONDS;
    this.#last = { stamp: '', seconds, count: 0 };
    deps.onState({ state: 'starting', detail: this.#where });
    void this.#poll();
  }

  stop(): void {
    this.#stopped.abort();
    clearTimeout(this.#timer);
  }

  get #where(): string {
    return `the log of container ${this.#source.name}`;
  }

  async #poll(): Promise<void> {
    try {
      await this.#follow();
    } catch (error) {
      if (this.#stopped.signal.aborted) return;
      const state = isErrno(error, 'EACCES', 'EPERM') ? 'not-allowed' : 'failed';
      const detail = `${this.#where} cannot be read (${errnoText(error)})`;
      this.#deps.onState({ state, detail });
    }
    if (this.#stopped.signal.aborted) return;
    this.#timer = setTimeout(() => void this.#poll(), POLL_MILLISECONDS);
  }

  async #follow(): Promise<void> {
    const first = await this.#read(this.#isOld ? MAX_OLD_LINES : USUAL_LINES);
    const isCut = !this.#isOld && first?.length === USUAL_LINES && this.#newOf(first).length > 0;
    const lines = isCut ? await this.#read(MAX_OLD_LINES) : first;
    if (lines === undefined || this.#stopped.signal.aborted) return;
    for (const line of this.#newOf(lines)) this.#take(line);
    this.#remember(lines);
    this.#isOld = false;
    this.#wasRead = true;
    this.#absences.secondsOf(this.#where, true, this.#deps.clock);
    this.#deps.onState({ state: 'reading', detail: this.#where });
  }

  /** Undefined where there is no log now; that is said. */
  async #read(lines: number): Promise<readonly ContainerLine[] | undefined> {
    const { socket, name } = this.#source;
    const { paths } = this.#deps;
    const address = { kind: 'socket', path: socket } as const;
    const { seconds: sinceSeconds } = this.#last;
    const { signal } = this.#stopped;
    const found = await readContainerLog({ address, paths }, { name, sinceSeconds, lines, signal });
    if (found.kind === 'lines') return found.lines;
    // A log that appears later is all new.
    this.#isOld = false;
    if (found.kind === 'gone' && this.#isMadeAnew()) return undefined;
    const detail = found.kind === 'gone' ? 'there is none of that name' : found.why;
    this.#deps.onState({ state: 'failed', detail: `${this.#where} cannot be read (${detail})` });
    return undefined;
  }

  /** Between the end of a container that was read and the next one of its name. */
  #isMadeAnew(): boolean {
    const { clock } = this.#deps;
    const isRestart = this.#absences.secondsOf(this.#where, false, clock) < RESTART_SECONDS;
    return this.#wasRead && isRestart;
  }

  /** An engine may write times to the second only, so that lines of the last second are told apart by their number. */
  #newOf(lines: readonly ContainerLine[]): readonly ContainerLine[] {
    const { stamp, count } = this.#last;
    const from = lines.findIndex((line) => line.stamp >= stamp);
    if (from === -1) return [];
    const same = lines.slice(from).findIndex((line) => line.stamp !== stamp);
    const known = same === -1 ? lines.length - from : same;
    return lines.slice(from + Math.min(known, count));
  }

  #remember(lines: readonly ContainerLine[]): void {
    const last = lines.at(-1);
    if (last === undefined) return;
    const { stamp } = last;
    const count = lines.filter((line) => line.stamp === stamp).length;
    this.#last = { stamp, seconds: Math.floor(last.at / 1000), count };
  }

  #take({ text, at }: ContainerLine): void {
    if (!this.#isOld && !this.#deps.mayTake()) return;
    this.#deps.onLine({ text, at, isOld: this.#isOld });
  }
}
