/**
 * Keeps the last view and renews it when something was learned. Readers take it and cost nothing; what
 * changed from one judgement to the next is logged once.
 */
import type { View } from '../core/view.ts';
import { causeChanges } from './transitions.ts';
import type { Log } from '../log.ts';

export class ViewCache {
  readonly #make: () => View;
  readonly #log: Log;
  readonly #listeners = new Set<() => void>();
  #view: View | undefined;
  #isDue = false;

  constructor(make: () => View, log: Log) {
    this.#make = make;
    this.#log = log;
  }

  /** The last view. */
  view(): View {
    this.#view ??= this.#make();
    return this.#view;
  }

  /** Called after each renewal; returns the function that ends it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** At the end of this turn of the event loop: several results of one walk make one view. */
  renewSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => this.renew());
  }

  renew(): void {
    this.#isDue = false;
    const before = this.#view?.diagnosis;
    this.#view = this.#make();
    for (const { level, data, message } of causeChanges(before, this.#view.diagnosis)) {
      this.#log[level](data, message);
    }
    for (const listener of this.#listeners) listener();
  }
}
