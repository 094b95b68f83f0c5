/**
 * What a rule reads of a finding, or of an event of the runner: typed values, each under a key that is declared where the value is produced. Facts
 * are texts for people. The keys are symbols, so that no report and no saved state holds the values.
 */
import type { Finding } from './finding.ts';

export type FindingData = Readonly<Record<symbol, unknown>>;

declare const TYPE: unique symbol;

export interface DataKey<T> {
  readonly symbol: symbol;
  /** For the compiler alone. */
  readonly [TYPE]?: T;
}

/** A key for values of one type. */
export function dataKey<T>(name: string): DataKey<T> {
  return { symbol: Symbol(name) };
}

/** Data with one value. */
export function dataWith<T>(key: DataKey<T>, value: T): FindingData {
  return { [key.symbol]: value };
}

/** The value under a key; a result that was restored after a restart has none. */
export function dataOf<T>({ data }: Pick<Finding, 'data'>, key: DataKey<T>): T | undefined {
  return data?.[key.symbol] as T | undefined;
}
