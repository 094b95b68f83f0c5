/**
 * An option is data. Its TypeScript type, its validation, its row in the docs and its line in
 * deploy/runnerwatch.example.toml are derived from one declaration.
 */
interface Described {
  /** What it steers, one sentence. */
  readonly help: string;
}

export interface NumberOption extends Described {
  readonly kind: 'number';
  readonly default: number;
  /** `seconds`, `bytes`, `ratio`, `count`, … */
  readonly unit: string;
  readonly min: number;
  readonly max: number;
}

export interface BooleanOption extends Described {
  readonly kind: 'boolean';
  readonly default: boolean;
}

export type Option = NumberOption | BooleanOption;
export type OptionTable = Readonly<Record<string, Option>>;

/** `{ slow_seconds: number, … }` out of an option table. */
export type ValuesOf<O extends OptionTable> = { readonly [K in keyof O]: ValueOf<O[K]> };
type ValueOf<T extends Option> = T extends NumberOption ? number : boolean;

/** The values that hold when the settings file says nothing. */
export function defaultsOf<O extends OptionTable>(table: O): ValuesOf<O> {
  return Object.fromEntries(
    Object.entries(table).map(([key, option]) => [key, option.default]),
  ) as ValuesOf<O>;
}
