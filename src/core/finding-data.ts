/**
 * What a rule reads of a finding, or of an event of the runner: typed values, each under a key that is declared where the value is produced. Facts
 * are texts for people. The keys are symbols, so that no report holds the values.
 */
import type { Finding } from './finding.ts';

export type FindingData = Readonly<Record<symbol, unknown>>;

declare const TYPE: unique symbol;

export interface DataKey<T> {
  readonly symbol: symbol;
  /** For the compiler alone. */
  readonly [TYPE]?: T;
}

const SYMBOLS = new Map<string, symbol>();

/** A key for values of one type. */
export function dataKey<T>(name: string): DataKey<T> {
  const symbol = Symbol(name);
  SYMBOLS.set(name, symbol);
  return { symbol };
}

/** By the names of the keys, to be saved. */
export function namedData(data: FindingData): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.getOwnPropertySymbols(data).map((key) => [key.description ?? '', data[key]]),
  );
}

/** What was saved under names that are still in use. */
export function dataNamed(named: Readonly<Record<string, unknown>>): FindingData {
  const found = Object.entries(named).flatMap(([name, value]) => {
    const symbol = SYMBOLS.get(name);
    return symbol === undefined ? [] : [[symbol, value] as const];
  });
  return Object.fromEntries(found);
}

/** Data with one value. */
export function dataWith<T>(key: DataKey<T>, value: T): FindingData {
  return { [key.symbol]: value };
}

/** The value under a key; a result that was restored after a restart has none. */
export function dataOf<T>({ data }: Pick<Finding, 'data'>, key: DataKey<T>): T | undefined {
  return data?.[key.symbol] as T | undefined;
}
