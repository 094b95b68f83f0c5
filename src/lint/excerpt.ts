/**
 * A line of config.toml as it may be shown. What may be a secret becomes the same number of asterisks, so that a
 * caret below it still points to its position; in doubt everything is masked.
 */
import { redactName, redactValue } from '../config/runner/redact-value.ts';
import { printable } from '../core/printable.ts';
import { homesOf } from './schema-index.ts';

/** `.` would end at a carriage return, or at U+2028. */
const KEY = /^(?<lead>\s*)(?<key>[\w-]+|"[\w. -]*"|'[\w. -]*')(?<equals>\s*=\s*)(?<rest>[^]*)$/;
const HEADER = /^\s*\[{1,2}\s*[\w-]{1,40}(?:\s*\.\s*(?:[\w-]{1,40}|"[^"]*"))*\s*\]{1,2}\s*$/;
/** Numbers, dates, true, false, brackets, commas. */
const BARE = /^[\s\d.:+TZ_,[\]{}-]*$/;
const LONGEST = 160;

export function maskLine(line: string): string {
  const short = line.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line;
  return printable(maskSecrets(short.replaceAll('\t', ' ')));
}

function maskSecrets(line: string): string {
  if (/^\s*$/.test(line)) return '';
  if (/^\s*#/.test(line)) return line.replace(/#[^]*$/, '# …');
  if (HEADER.test(line)) return line.replaceAll(/"[^"]*"/g, stars);
  const { lead = '', key, equals = '', rest = '' } = KEY.exec(line)?.groups ?? {};
  if (key === undefined) return maskAll(line);
  const name = key.replaceAll(/^["']|["']$/g, '');
  const shownKey = isShownKey(name) ? key : stars(key);
  return `${lead}${shownKey}${equals}${value(name, rest)}`;
}

/** Quoted names are chosen by users: labels, flags, variables. */
function isShownKey(name: string): boolean {
  if (homesOf(name).length > 0) return true;
  return redactName(name) === name;
}

/** Every string of a value by itself; the rest must be plain. */
function value(key: string, text: string): string {
  const parts = text.split(/(?<quoted>"(?:[^"\\]|\\.)*"|'[^']*')/);
  return parts
    .map((part, index) => {
      if (index % 2 === 1) return isShown(key, part.slice(1, -1)) ? part : quotedStars(part);
      const [before = '', comment] = part.split(/(?<comment>#[^]*)/);
      const plain =
        BARE.test(before) || /^(?:true|false)\s*$/.test(before) ? before : stars(before);
      return comment === undefined ? plain : `${plain}# …`;
    })
    .join('');
}

function isShown(key: string, text: string): boolean {
  return redactValue(key, text) === text;
}

/** A line without a clear key: the rest of an array, of a multi-line string, or of a mistake. */
function maskAll(line: string): string {
  return line.replaceAll(/[^\s[\]{}=,"']/g, '*');
}

function stars(text: string): string {
  return text.replaceAll(/\S/g, '*');
}

function quotedStars(text: string): string {
  return `${text.charAt(0)}${'*'.repeat(Math.max(0, text.length - 2))}${text.at(-1) ?? ''}`;
}

/** Length of the token at a column: a quoted string, a bare name, one character. */
export function widthAt(line: string, column: number): number {
  const rest = line.slice(column - 1);
  const token = /^(?:"(?:[^"\\]|\\.)*"|'[^']*'|[\w.+:-]+)/.exec(rest)?.[0];
  return Math.min(Math.max(1, token?.length ?? 1), LONGEST);
}
