/**
 * What the build information of a Go program says: its toolchain, the defaults of GODEBUG that go.mod chose, and of GitLab
 * Runner the libraries that tell its version.
 */
export interface GoBuild {
  /** `go1.26.5`. */
  readonly text: string;
  /** The second number of `1.26`. */
  readonly minor: number;
  readonly defaults: Readonly<Record<string, string>>;
  /** Version of the TOML library in it, such as `v1.6.0`. */
  readonly toml?: string;
  /** Version of the library that runs CI steps, such as `v0.31.0`. */
  readonly steps?: string;
  /** Its own version; only FIPS builds keep it. */
  readonly release?: string;
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
