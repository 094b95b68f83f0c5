/** How many main processes has a service had of late? Counted by what we saw ourselves, where no systemd counts. */
export class StartsSeen {
  readonly #withinSeconds: number;
  /** By service: the number of each process, and when it was first seen. */
  readonly #seen = new Map<string, Map<number, number>>();

  constructor(withinSeconds: number) {
    this.#withinSeconds = withinSeconds;
  }

  /** With the process that is there now; undefined when there is none. */
  count(service: string, pid: number | undefined, nowSeconds: number): number {
    const known = this.#seen.get(service) ?? new Map<number, number>();
    this.#seen.set(service, known);
    if (pid !== undefined && !known.has(pid)) known.set(pid, nowSeconds);
    for (const [old, at] of known) {
      if (old !== pid && nowSeconds - at > this.#withinSeconds) known.delete(old);
    }
    return known.size;
  }
}
