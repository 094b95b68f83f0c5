/**
 * The runner's log for the daemon: one reader of the log's source, the events in its lines, and the last lines of each
 * entry. No secret is kept.
 */
import { withSignal } from '../../core/abort.ts';
import type { Clock, Instant } from '../../core/clock.ts';
import type { Paths } from '../../core/paths.ts';
import { dataWith } from '../../core/finding-data.ts';
import type { Place } from '../../core/place.ts';
import type {
  JobEnd,
  LogSource,
  RunnerLogReader,
  RunnerLogReading,
  RunnerEvent,
} from '../../core/runner-event.ts';
import { JOB_ENDS } from '../../core/runner-event.ts';
import type { LogEvent } from './classify.ts';
import { classify } from './classify.ts';
import { ContainerReader } from './container-reader.ts';
import { FileReader } from './file-reader.ts';
import { causeOfEnd, jobEndOf, kindOfEnd } from './job-ends.ts';
import { JournalReader } from './journal-reader.ts';
import { LineBudget } from './line-budget.ts';
import { IS_DATED } from './line-data.ts';
import type { LogLine } from './log-line.ts';
import { isInRunnerForm, parseLine } from './log-line.ts';
import { maskSecrets } from './mask.ts';
import { MAX_TEXT, plainLine } from './plain-line.ts';
import type { RawLine, Reader, ReaderDeps, ReaderState } from './reader.ts';
import { MAX_LINE_CHARACTERS } from './reader.ts';
import { RecordJoiner } from './record-joiner.ts';
import { EventWindow } from './event-window.ts';

const MAX_LAST_LINES = 50;
const MAX_RUNNERS = 600;
const MAX_UNDATED = 20;

/** States that hold until a later line ends them, and the lines that end them: their order is enough. */
const STATE_EVENTS: ReadonlySet<string> = new Set([
  'disabled',
  'forced',
  'stopping',
  'config-not-saved',
  'config-loaded',
  'started',
  'poll-worked',
]);

/** They end no failure before them. */
const WAITS: ReadonlySet<string> = new Set(['waiting', 'poll-waits']);

export interface LastLine {
  readonly at: Instant;
  readonly text: string;
}

export interface WatchEvents {
  /** A line with a new event was written just now. */
  onEvent(kind: string, runner: string | undefined): void;
}

export class RunnerLogWatch implements RunnerLogReader {
  readonly #clock: Clock;
  readonly #events: WatchEvents;
  readonly #window = new EventWindow();
  readonly #budget: LineBudget;
  readonly #joiner: RecordJoiner;
  readonly #last = new Map<string, readonly LastLine[]>();
  #source: string | undefined;
  #reader: Reader | undefined;
  #state: ReaderState = { state: 'failed', detail: 'no log was found' };
  #caughtUp = Promise.withResolvers<void>();
  #lines = 0;
  #understoodLines = 0;
  /** Failed polls without a date at the end of what was there at the start. */
  #undated: readonly (LogEvent & { readonly text: string; readonly latestAt: Instant })[] = [];
  #lastLineAt: Instant | undefined;
  readonly #jobEnds = new Map<JobEnd, number>(JOB_ENDS.map((end) => [end, 0]));
  #lostJobEnds = 0;

  constructor(clock: Clock, events: WatchEvents) {
    this.#clock = clock;
    this.#events = events;
    this.#budget = new LineBudget(clock);
    this.#joiner = new RecordJoiner((line) => this.#takeRecord(line));
  }

  /** Reads the log of this place from now on, for these entries; an unchanged source continues. */
  follow(
    { log: source, paths, hostPaths = paths }: Pick<Place, 'log' | 'paths' | 'hostPaths'>,
    runners: readonly string[],
  ): void {
    this.#window.setRunners(runners);
    const wanted = source === undefined ? undefined : JSON.stringify([source, hostPaths]);
    if (wanted === this.#source) return;
    this.#source = wanted;
    this.#reader?.stop();
    this.#caughtUp = Promise.withResolvers<void>();
    this.#reader = source === undefined ? undefined : this.#readerOf(source, hostPaths);
  }

  stop(): void {
    this.#reader?.stop();
    this.#reader = undefined;
    this.#source = undefined;
  }

  async read(signal: AbortSignal): Promise<RunnerLogReading> {
    if (this.#state.state === 'starting')
      await withSignal(this.#caughtUp.promise, signal).catch(() => {});
    this.#joiner.flush();
    this.#addUndated();
    const { state, detail } = this.#state;
    return {
      state: state === 'starting' ? 'failed' : state,
      detail: state === 'starting' ? `${detail} does not respond` : detail,
      lines: this.#lines,
      droppedLines: this.#budget.dropped,
      understoodLines: this.#understoodLines,
      lastLineAt: this.#lastLineAt,
      jobEnds: Object.fromEntries(this.#jobEnds) as Readonly<Record<JobEnd, number>>,
      lostJobEnds: this.#lostJobEnds,
      events: this.events(),
    };
  }

  events(): readonly RunnerEvent[] {
    return this.#window.events(this.#clock.wall());
  }

  counts(): readonly { readonly cause: string; readonly count: number }[] {
    return this.#window.counts();
  }

  /** The last lines of an entry, or of the process as a whole for the empty name; oldest first. */
  lastLines(runner: string): readonly LastLine[] {
    return this.#last.get(runner) ?? [];
  }

  /** The wall clock was set. */
  shift(milliseconds: number): void {
    this.#window.shift(milliseconds);
  }

  #readerOf(source: LogSource, paths: Paths): Reader {
    const deps: ReaderDeps = {
      clock: this.#clock,
      paths,
      mayTake: () => this.#budget.take(),
      onLine: (line) => this.#takeLine(line),
      onState: (state) => {
        this.#state = state;
        if (state.state !== 'starting') this.#caughtUp.resolve();
      },
    };
    switch (source.kind) {
      case 'journal':
        return new JournalReader(source, deps);
      case 'file':
        return new FileReader(source.path, deps);
      case 'container':
        return new ContainerReader(source, deps);
    }
  }

  #takeLine(line: RawLine): void {
    this.#lines += 1;
    this.#lastLineAt = line.at ?? this.#clock.wall();
    if (!line.isOld) this.#addUndated();
    if (line.event === undefined) this.#joiner.push(line);
    else {
      this.#understoodLines += 1;
      this.#addEvent(line, line.event);
    }
  }

  /** One record: a line of its own, or several that belong together. */
  #takeRecord(given: RawLine): void {
    const line = { ...given, text: given.text.slice(0, MAX_LINE_CHARACTERS) };
    const parsed = parseLine(line.text);
    if (parsed === undefined) return;
    const at = parsed.at ?? line.at;
    const shown = formatRecord(line.text, parsed);
    this.#keepLastLine(shown, at ?? this.#clock.wall(), parsed.fields['runner'] ?? '');
    const event = classify(parsed);
    if (event !== undefined || isInRunnerForm(line.text, parsed)) this.#understoodLines += 1;
    this.#keepUndated(line, parsed, event);
    const dated = { ...line, ...(at === undefined ? {} : { at }) };
    if (event !== undefined) this.#addEvent({ ...dated, text: shown }, event);
    this.#countJobEnd({ ...dated, text: shown }, parsed, event);
  }

  /** Without a date nothing is known but the order: what ends the failures before it, and when the last line was written. */
  #keepUndated({ at, isOld, latestAt, text }: RawLine, line: LogLine, event?: LogEvent): void {
    if (!isOld || at !== undefined || line.at !== undefined || latestAt === undefined) return;
    if (event?.kind === 'poll-failed') {
      this.#undated = [...this.#undated, { ...event, text, latestAt }].slice(-MAX_UNDATED);
    } else if (event !== undefined ? !WAITS.has(event.kind) : jobEndOf(line) !== undefined) {
      this.#undated = [];
    }
  }

  #addUndated(): void {
    const undated = this.#undated;
    this.#undated = [];
    for (const { text, latestAt, ...event } of undated) {
      this.#addEvent({ text, at: latestAt, isOld: true }, event, false);
    }
  }

  /** What a known cause accounts for is not held against the host a second time. */
  #countJobEnd(line: RawLine, parsed: LogLine, event: LogEvent | undefined): void {
    if (event?.kind === 'job-lost' && !line.isOld) this.#lostJobEnds += 1;
    const end = jobEndOf(parsed);
    if (end === undefined) return;
    if (!line.isOld) this.#jobEnds.set(end, (this.#jobEnds.get(end) ?? 0) + 1);
    const kind = kindOfEnd(end);
    const { runner } = parsed.fields;
    if (kind === undefined || runner === undefined || event?.cause !== undefined) return;
    const cause = causeOfEnd(parsed);
    const named = cause === undefined ? {} : { cause };
    this.#addEvent(line, { kind, runner, ...named, facts: reasonIn(event) });
  }

  #addEvent(
    line: RawLine,
    event: NonNullable<RawLine['event']>,
    isDated = line.at !== undefined,
  ): void {
    const at = this.#timeOf(line, event.kind);
    if (at === undefined) return;
    const facts = Object.fromEntries(
      Object.entries(event.facts).map(([name, value]) => [
        name,
        typeof value === 'string' ? maskSecrets(value).slice(0, MAX_TEXT) : value,
      ]),
    );
    const dated = isDated ? dataWith(IS_DATED, true) : {};
    const data = { ...event.data, ...dated };
    const isNew = this.#window.add({ ...event, facts, data, at, text: plainLine(line.text) });
    if (isNew && !line.isOld) this.#events.onEvent(event.kind, event.runner);
  }

  /** The time of an old line without a date is unknown: it is no event, unless the order of lines alone is enough. */
  #timeOf({ at, isOld, latestAt }: RawLine, kind: string): Instant | undefined {
    if (at !== undefined) return at;
    if (!isOld) return this.#clock.wall();
    return STATE_EVENTS.has(kind) ? latestAt : undefined;
  }

  #keepLastLine(text: string, at: Instant, runner: string): void {
    if (!this.#last.has(runner) && this.#last.size >= MAX_RUNNERS) return;
    const line = { at, text };
    this.#last.set(runner, [...(this.#last.get(runner) ?? []), line].slice(-MAX_LAST_LINES));
  }
}

function reasonIn(event: LogEvent | undefined): LogEvent['facts'] {
  const { reason } = event?.facts ?? {};
  return reason === undefined ? {} : { reason };
}

/** What explains a line comes first: a long one is cut. */
const FIRST_KEYS: readonly string[] = ['error', 'status', 'failure_reason'];

/** A record as the runner's own format has it, whatever format it was written in. */
function formatRecord(raw: string, { level, message, fields }: LogLine): string {
  if (!/^\s*(?:\{|time=|level=)/.test(raw)) return plainLine(raw);
  const keys = [
    ...FIRST_KEYS.filter((key) => key in fields && !message.includes(fields[key] ?? '')),
    ...Object.keys(fields).filter((key) => !FIRST_KEYS.includes(key)),
  ];
  const prefix = level === 'info' || level === 'debug' ? '' : `${level.toUpperCase()}: `;
  return plainLine(`${prefix}${message} ${keys.map((key) => `${key}=${fields[key]}`).join(' ')}`);
}
