/** The type of a metric: name, help and labels as data, values from a view. */
import type { View } from '../core/view.ts';

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  /** Without the prefix. */
  readonly name: string;
  readonly kind: 'gauge' | 'counter';
  readonly help: string;
  readonly labels: readonly string[];
  samples(view: View): readonly Sample[];
}
