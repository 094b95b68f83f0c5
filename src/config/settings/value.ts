/** Judges a value for a key of our own settings. */
import type { Setting } from './schema.ts';
import { redactValue } from '../runner/redact-value.ts';

export type SettingValue = number | boolean | string | readonly string[];

export type SettingJudgement =
  | { readonly ok: true; readonly value: SettingValue }
  /** `why` completes "web.listen_addresses …". */
  | { readonly ok: false; readonly why: string; readonly fix: string };

export function judgeSetting(key: string, value: unknown, setting: Setting): SettingJudgement {
  switch (setting.kind) {
    case 'number':
      return judgeNumber(key, value, setting);
    case 'boolean':
      if (typeof value === 'boolean') return { ok: true, value };
      return refuseValue(key, value, 'true or false', String(setting.default));
    case 'text':
      return judgeText(key, value, setting);
    case 'texts':
      if (isTexts(value)) return { ok: true, value };
      return refuseValue(key, value, 'an array of strings', JSON.stringify(setting.example));
  }
}

const NOUNS: Readonly<Record<string, string>> = { count: 'a whole number', ratio: 'a ratio' };

function judgeNumber(
  key: string,
  value: unknown,
  setting: Extract<Setting, { kind: 'number' }>,
): SettingJudgement {
  const { min, max, unit, default: usual } = setting;
  const isCount = unit === 'count';
  const isNumber = typeof value === 'number' && Number.isFinite(value);
  if (isNumber && value >= min && value <= max && (!isCount || Number.isInteger(value))) {
    return { ok: true, value };
  }
  const range = `${NOUNS[unit] ?? `a number of ${unit}`} from ${min} to ${max}`;
  return refuseValue(key, value, range, String(usual));
}

function judgeText(
  key: string,
  value: unknown,
  { choices, example }: Extract<Setting, { kind: 'text' }>,
): SettingJudgement {
  const isText = typeof value === 'string' && value !== '';
  if (isText && (choices === undefined || choices.includes(value))) return { ok: true, value };
  const expected = choices === undefined ? 'a string' : `one of ${choices.join(', ')}`;
  return refuseValue(key, value, expected, `"${example}"`);
}

function isTexts(value: unknown): value is readonly string[] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((item) => typeof item === 'string' && item !== '')
  );
}

function refuseValue(
  key: string,
  value: unknown,
  expected: string,
  example: string,
): SettingJudgement {
  return {
    ok: false,
    why: `must be ${expected}, but is ${formatFound(key, value)}`,
    fix: `For example: \`${key} = ${example}\`.`,
  };
}

function formatFound(key: string, value: unknown): string {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'string') return `"${redactValue(key, value)}"`;
  if (Array.isArray(value)) return value.length === 0 ? 'an empty array' : 'an array';
  return value instanceof Date ? 'a date' : 'a table';
}
