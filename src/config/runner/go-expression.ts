/**
 * Does Go compile a regular expression? The syntax of its package regexp (RE2): no backreference and no lookaround, no
 * repetition of a repetition, and at most 1000 repetitions, also of groups within groups.
 */

const MAX_REPEAT = 1000;
const MAX_CODE = 0x10ffff;
const MAX_DEPTH = 1000;
const REPEAT = /(?:[*+?]|\{(?<min>\d+)(?:,(?<max>\d*))?\})\??/y;
/** Flags alone apply to what follows; a quotation of nothing is nothing to repeat. */
const NOTHING = /\(\?[imsU]*(?:-[imsU]+)?\)|\\Q\\E/y;
const GROUP = /\((?:\?(?:P?<\w+>|[imsU]*(?:-[imsU]+)?:))?/y;
/** `\d`, and a place such as `\b`, which brackets do not take. */
const SET = /\\[dDsSwW]/y;
const PLACE = /\\[bBAz]/y;
const PROPERTY = /\\[pP](?:(?<letter>[A-Za-z])|\{\^?(?<name>\w+)\})/y;
const QUOTED = /\\Q[^]*?(?:\\E|$)/y;
/** `\1` alone would be a backreference. */
const CODE =
  /\\(?:(?<octal>0[0-7]{0,2}|[1-7][0-7]{1,2})|x(?<hex>[\da-f]{2})|x\{(?<long>[\da-f]+)\})/iy;
const ESCAPED = /\\(?<character>\p{ASCII})/uy;
const ALPHANUMERIC = /^[A-Za-z0-9]$/;
const CLASS_NAME =
  /\[:\^?(?:alnum|alpha|ascii|blank|cntrl|digit|graph|lower|print|punct|space|upper|word|xdigit):\]/y;
const OTHER_CLASS_NAME = /\[:[^:\]]{0,40}:\]/y;
const ANY = /[^]/uy;

class NotGo extends Error {}

export function isGoExpression(text: string): boolean {
  try {
    new Reader(text).read();
    return true;
  } catch (error) {
    if (error instanceof NotGo) return false;
    throw error;
  }
}

class Reader {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): void {
    this.#alternatives();
    if (this.#at < this.#text.length) throw new NotGo();
  }

  /** Up to the end, or to the bracket that closes the group: how often the most repeated part of it is repeated. */
  #alternatives(): number {
    let most = 1;
    /** Of what stands before; absent where nothing does that can be repeated. */
    let last: number | undefined;
    while (this.#at < this.#text.length && !this.#sees(')')) {
      const repeat = this.#take(REPEAT);
      if (repeat !== undefined) last = this.#repeated(last, repeat);
      else if (this.#take(/\|/y) !== undefined) last = undefined;
      else if (this.#take(NOTHING) === undefined) last = this.#part();
      most = Math.max(most, last ?? 1);
    }
    return most;
  }

  #repeated(last: number | undefined, { groups }: RegExpExecArray): number {
    const [min, max] = [Number(groups?.['min'] ?? 1), Number(groups?.['max'] || Infinity)];
    const times = Math.max(1, max === Infinity ? min : max) * (last ?? Infinity);
    if (min > max || times > MAX_REPEAT || this.#take(REPEAT) !== undefined) throw new NotGo();
    return times;
  }

  #part(): number {
    if (this.#sees('[')) this.#class();
    else if (this.#sees('(')) return this.#group();
    else if (!this.#isTaken(SET, PLACE, QUOTED) && !this.#property()) this.#character();
    return 1;
  }

  #group(): number {
    this.#need(GROUP);
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw new NotGo();
    const most = this.#alternatives();
    this.#need(/\)/y);
    this.#depth -= 1;
    return most;
  }

  #class(): void {
    this.#need(/\[\^?/y);
    do this.#member();
    while (!this.#sees(']'));
    this.#need(/\]/y);
  }

  /** A set, a character or a range of them; also a bracket that closes, as the first one. */
  #member(): void {
    if (this.#isTaken(CLASS_NAME, SET) || this.#property()) return;
    if (this.#take(OTHER_CLASS_NAME) !== undefined) throw new NotGo();
    const first = this.#character();
    if (this.#take(/-(?!\])/y) === undefined) return;
    if (this.#character() < first) throw new NotGo();
  }

  #property(): boolean {
    const { letter, name = letter } = this.#take(PROPERTY)?.groups ?? {};
    if (name === undefined) return false;
    if (!isProperty(name)) throw new NotGo();
    return true;
  }

  /** Its code. */
  #character(): number {
    const code = this.#take(CODE)?.groups;
    if (code !== undefined) return valueOf(code);
    if (!this.#sees('\\')) return this.#need(ANY)[0].codePointAt(0) ?? 0;
    const character = this.#need(ESCAPED).groups?.['character'] ?? '';
    const control = CONTROLS[character];
    if (control === undefined && ALPHANUMERIC.test(character)) throw new NotGo();
    return control ?? character.codePointAt(0) ?? 0;
  }

  #sees(text: string): boolean {
    return this.#text.startsWith(text, this.#at);
  }

  #isTaken(...forms: readonly RegExp[]): boolean {
    return forms.some((form) => this.#take(form) !== undefined);
  }

  #need(form: RegExp): RegExpExecArray {
    const found = this.#take(form);
    if (found === undefined) throw new NotGo();
    return found;
  }

  #take(form: RegExp): RegExpExecArray | undefined {
    form.lastIndex = this.#at;
    const found = form.exec(this.#text);
    if (found === null) return undefined;
    this.#at += found[0].length;
    return found;
  }
}

function valueOf({ octal, hex, long }: Readonly<Record<string, string | undefined>>): number {
  const value = Number.parseInt(octal ?? hex ?? long ?? '', octal === undefined ? 16 : 8);
  if (value > MAX_CODE) throw new NotGo();
  return value;
}

const CONTROLS: Readonly<Record<string, number>> = { a: 7, f: 12, t: 9, n: 10, r: 13, v: 11 };

const CATEGORIES = new Set(
  'C Cc Cf Cn Co Cs L LC Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No P Pc Pd Pe Pf Pi Po Ps S Sc Sk Sm So Z Zl Zp Zs'.split(
    ' ',
  ),
);

/** A category by its letters, or a script by its long name. Newer versions of Go know more names, which may be right. */
function isProperty(name: string): boolean {
  if (name.length <= 2) return CATEGORIES.has(name);
  return name === 'Any' || !/^[A-Z][a-z]+$/.test(name) || isScript(name);
}

function isScript(name: string): boolean {
  return compiles(`Script=${name}`) || GO_ALIASES.has(name);
}

/** Long names of categories that Go 1.25 and later know. */
const GO_ALIASES = new Set([
  'Letter',
  'Mark',
  'Number',
  'Punctuation',
  'Punct',
  'Symbol',
  'Separator',
  'Other',
  'Digit',
  'Control',
  'Cntrl',
  'Format',
  'Surrogate',
]);

function compiles(property: string): boolean {
  try {
    return new RegExp(`\\p{${property}}`, 'u').source !== '';
  } catch {
    return false;
  }
}
