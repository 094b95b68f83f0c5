/**
 * Is a text a period, as gorhill/cronexpr of the runner reads it? Five fields, from the minute to the day of the week; a
 * sixth one is the year; with seven the first is the second, and what follows is ignored.
 */

const NAMED = /@(?:yearly|annually|monthly|weekly|daily|hourly)/g;
const EVERY = '0 0 0 1 1 * *';

interface Field {
  readonly value: string;
  readonly max: number;
  /** Beside values, ranges and steps. */
  readonly special?: RegExp;
}

const SIXTY: Field = { value: '0?[0-9]|[1-5][0-9]', max: 59 };
const DAY = '0?[1-9]|[12][0-9]|3[01]';
const MONTHS =
  'jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:tember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?';
const WEEKDAY =
  '0?[0-7]|sun(?:day)?|mon(?:day)?|tue(?:sday)?|wed(?:nesday)?|thu(?:rsday)?|fri(?:day)?|sat(?:urday)?';

const FIELDS: readonly Field[] = [
  SIXTY,
  SIXTY,
  { value: '0?[0-9]|1[0-9]|2[0-3]', max: 23 },
  { value: DAY, max: 31, special: new RegExp(`^(?:l|lw|(?:${DAY})w)$`) },
  { value: `0?[1-9]|1[012]|${MONTHS}`, max: 12 },
  { value: WEEKDAY, max: 6, special: new RegExp(`^(?:${WEEKDAY})(?:l|#[1-5])$`) },
  { value: '19[789][0-9]|20[0-9]{2}', max: 2099 },
];
/** Other numbers are not known as a step, and count as zero. */
const STEP = /^(?:[0-5]?[0-9]|19[789][0-9]|20[0-9]{2})$/;

export function isCronPeriod(text: string): boolean {
  const fields = text.replaceAll(NAMED, EVERY).match(/[^\t\n\f\r ]+/g) ?? [];
  if (fields.length < 5) return false;
  // Without seconds, unless all seven are there.
  const known = FIELDS.slice(fields.length < 7 ? 1 : 0);
  return known.every((field, index) => {
    const given = fields[index];
    return given === undefined || isField(given, field);
  });
}

function isField(text: string, field: Field): boolean {
  const parts = text
    .toLowerCase()
    .split(',')
    .filter((part) => part !== '');
  return parts.length > 0 && parts.every((part) => isPart(part, field));
}

function isPart(part: string, { value, max, special }: Field): boolean {
  if (part === '*' || part === '?' || special?.test(part) === true) return true;
  const form = new RegExp(`^(?:(?:${value})(?:-(?:${value}))?|\\*(?=/))(?:/(?<step>\\d+))?$`);
  const found = form.exec(part);
  if (found === null) return false;
  const step = found.groups?.['step'];
  if (step === undefined) return true;
  return STEP.test(step) && Number(step) >= 1 && Number(step) <= max;
}
