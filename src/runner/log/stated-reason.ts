/** Why something failed, in the runner's own words: what a summary quotes of a line. */
import type { LogLine } from './log-line.ts';

/** A summary stays one sentence. */
const MAX_CHARACTERS = 180;

const MESSAGE = /^(?:Failed to load config |[^:]*: )(?<reason>.*)$/s;

/** What the runner says around a reason, which every line of its kind has. */
const AROUND: readonly RegExp[] = [
  /^.*couldn't execute \w+ against \S+: (?:\w+ "[^"]*": )?/,
  / \([\w./-]+\.go:\d+:\d+s\)/g,
  /\.? Check https:\/\/docs\.gitlab\.com\S* for more information/,
];

/** Absent for a line that tells no failure. The part that `marked` matches is kept when it is too long. */
export function statedReason(
  { level, message, fields }: LogLine,
  marked: RegExp = /$/,
): string | undefined {
  if (level === 'info' || level === 'debug') return undefined;
  const { error, status } = fields;
  const said = error ?? status ?? MESSAGE.exec(message)?.groups?.['reason'];
  if (said === undefined || said === '') return undefined;
  const bare = AROUND.reduce((text, pattern) => text.replace(pattern, ''), said);
  return shorten(bare.replace(/\s+/g, ' ').trim(), marked);
}

/** The end of what is marked is the error itself. */
function shorten(text: string, marked: RegExp): string {
  if (text.length <= MAX_CHARACTERS) return text;
  const found = marked.exec(text);
  const end = found === null ? 0 : found.index + found[0].length;
  const from = Math.max(0, end - MAX_CHARACTERS);
  const to = from + MAX_CHARACTERS;
  return `${from > 0 ? '...' : ''}${text.slice(from, to)}${to < text.length ? '...' : ''}`;
}
