/** What the build information of a Go program says: its toolchain, and the defaults of GODEBUG that go.mod chose. */
export interface GoBuild {
  /** `go1.26.5`. */
  readonly text: string;
  /** The second number of `1.26`. */
  readonly minor: number;
  readonly defaults: Readonly<Record<string, string>>;
  /** Version of the TOML library in it, such as `v1.6.0`. */
  readonly toml?: string;
}

/** `NAME=VALUE` entries separated by commas; the last of two equal names counts, as it does in Go. */
export function parseGodebug(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    text.split(',').flatMap((entry): [string, string][] => {
      const equals = entry.indexOf('=');
      return equals > 0 ? [[entry.slice(0, equals), entry.slice(equals + 1)]] : [];
    }),
  );
}
