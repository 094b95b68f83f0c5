/** The options of the stand-in runner. */
export interface StandInEntry {
  readonly name: string;
  readonly shortToken: string;
  readonly token: string;
}

/** Handed over in the environment, since the command line belongs to the runner. */
export interface StandInOptions {
  readonly port: number;
  readonly host: string;
  readonly caPem: string;
  readonly entries: readonly StandInEntry[];
  /** A socket that closes when the demo ends; without it the runner is a child of the demo. */
  readonly lifeline?: string;
}

export const OPTIONS_VARIABLE = 'RUNNERWATCH_DEMO_RUNNER';
