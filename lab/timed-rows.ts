/** One row for each kind of fault, whose times docs/timing.md shows. */
export interface TimedRow {
  readonly id: string;
  /** The probe that sees the fault first. */
  readonly probe: string;
}

/** In the order of the path, then the host. */
export const TIMED_ROWS: readonly TimedRow[] = [
  { id: 'D-01', probe: 'dns' },
  { id: 'D-03', probe: 'dns' },
  { id: 'N-01', probe: 'connect' },
  { id: 'N-02', probe: 'connect' },
  { id: 'N-07', probe: 'firewall' },
  { id: 'P-03', probe: 'proxy' },
  { id: 'P-01', probe: 'alternate-path' },
  { id: 'L-04', probe: 'tls' },
  { id: 'G-01', probe: 'http' },
  { id: 'G-05', probe: 'api' },
  { id: 'Y-13', probe: 'api' },
  { id: 'T-01', probe: 'token' },
  { id: 'G-04e', probe: 'token' },
  { id: 'C-14b', probe: 'config' },
  { id: 'X-01', probe: 'service' },
  { id: 'X-03', probe: 'service' },
  { id: 'J-04b', probe: 'runner-log' },
  { id: 'R-09', probe: 'limits' },
  { id: 'R-10', probe: 'limits' },
  { id: 'R-08', probe: 'cgroup' },
  { id: 'E-01', probe: 'executor' },
  { id: 'R-01', probe: 'disk' },
  { id: 'R-06', probe: 'memory' },
];
