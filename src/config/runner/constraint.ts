/**
 * What a value must be beyond its type, as data of the schema: which values, which range, which form, what it needs.
 * A lint rule about single keys is one row of this shape and its examples (CONTRIBUTING.md); `lint/` turns the row
 * into violations.
 */
import type { LintEffect, LintSeverity } from '../../core/lint.ts';

/** The texts of a lint rule. */
export interface RuleTexts {
  /** `G01`: never renamed. */
  readonly code: string;
  /** `concurrent-zero`. */
  readonly name: string;
  readonly severity: LintSeverity;
  readonly effect?: LintEffect;
  /** What is wrong, as a heading. */
  readonly title: string;
  /** What the runner does about it: one sentence. */
  readonly consequence: string;
  /** What to do: one sentence, imperative. */
  readonly fix: string;
}

/** A rule that follows from constraints on single keys. */
export interface ConstraintRow extends RuleTexts {
  readonly keys: readonly KeyConstraint[];
}

export interface KeyConstraint {
  /** Declared path of the table: `runners.docker`; empty for the top of the file. */
  readonly table: string;
  /** Declared names; `*` for every key of a map. */
  readonly keys: readonly string[];
  /** Only in entries with these executors. */
  readonly executors?: readonly string[];
  readonly must: Constraint;
  /** What to write instead: a value as TOML, or the text that another text was meant to be. */
  readonly write?: string | ((text: string) => string | undefined);
  /** Whether `write` is what this text was meant to be, without a doubt. */
  readonly isCertain?: (text: string) => boolean;
  /** Where this key is worse, or less bad, than the rule says. */
  readonly severity?: LintSeverity;
}

export type Constraint =
  | OneOf
  | Range
  /** Valid, and advised against; of a list the first element. */
  | {
      readonly kind: 'not';
      readonly values: readonly (string | number | boolean)[];
      /** Keys of the same table that give it a meaning. */
      readonly unless?: readonly string[];
    }
  /** `is` completes "… is not". Empty text counts as absent. */
  | { readonly kind: 'form'; readonly is: string; readonly test: (text: string) => boolean }
  /** One of these names, for the keys of a map. */
  | { readonly kind: 'named'; readonly names: readonly string[]; readonly suggests?: true }
  /** Where the table is there. */
  | { readonly kind: 'present' }
  /** A key of the same table without which this one has no effect, or not the one it should have; and the line to add. */
  | { readonly kind: 'needs'; readonly key: string; readonly line?: string }
  /** `why` completes "… has no effect", and `line` stands in for the key. */
  | { readonly kind: 'no-effect'; readonly why: string; readonly line?: string };

export interface OneOf {
  readonly kind: 'one-of';
  readonly values: readonly string[];
  /** The runner accepts any case. */
  readonly ignoresCase?: true;
  /** An empty text is wrong; else it counts as absent. */
  readonly rejectsEmpty?: true;
  /** Suggest the value with the nearest spelling. */
  readonly suggests?: true;
  /** Other names of a value. */
  readonly aliases?: Readonly<Record<string, string>>;
}

export interface Range {
  readonly kind: 'range';
  readonly of: 'integer' | 'seconds' | 'duration' | 'size';
  readonly min?: number;
  readonly max?: number;
  /** 0 has a meaning of its own. */
  readonly allowsZero?: true;
}
