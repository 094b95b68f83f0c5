/**
 * A costly look that is not repeated while the fault is the same: what it found holds for some seconds. It is
 * forgotten with its target, so that a new plan, with another proxy perhaps, is looked at anew.
 */
export class PerFaultCache<Target extends object, Found> {
  readonly #seconds: number;
  readonly #kept = new WeakMap<
    Target,
    { readonly fault: string; readonly atSeconds: number; readonly found: Found }
  >();

  constructor(seconds: number) {
    this.#seconds = seconds;
  }

  /** What was found for this fault lately, or what `look` finds now. `nowSeconds` is monotonic. */
  async found(
    target: Target,
    fault: string,
    nowSeconds: number,
    look: () => Promise<Found>,
  ): Promise<Found> {
    const known = this.#kept.get(target);
    if (known?.fault === fault && nowSeconds - known.atSeconds < this.#seconds) return known.found;
    const found = await look();
    this.#kept.set(target, { fault, atSeconds: nowSeconds, found });
    return found;
  }
}
