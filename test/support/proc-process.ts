/** A process as files below a /proc that a test makes. */

/** 2026-11-24T08:00:00Z, in seconds: the boot of the host that `procStat` describes. */
export const BOOTED_SECONDS = Date.parse('2026-11-24T08:00:00.000Z') / 1000;

/** /proc/stat, as far as the time of boot. */
export const PROC_STAT = { '/proc/stat': `cpu  1 2 3 4\nbtime ${BOOTED_SECONDS}\n` };

export interface ProcProcess {
  readonly args: readonly string[];
  readonly state?: string;
  readonly uid?: number;
  /** After the boot. */
  readonly startedSeconds?: number;
  readonly environment?: readonly string[];
}

/** cmdline, stat, status and environ of one process; without an environment it cannot be read. */
export function procProcess(
  pid: number,
  { args, state = 'S', uid = 0, startedSeconds = 0, environment }: ProcProcess,
): Readonly<Record<string, string>> {
  const ticks = startedSeconds * 100;
  const middle = '1 1 1 0 -1 4194560 1 0 0 0 1 1 0 0 20 0 9 0';
  return {
    [`/proc/${pid}/cmdline`]: args.map((arg) => `${arg}\0`).join(''),
    [`/proc/${pid}/stat`]: `${pid} (gitlab) runner) ${state} ${middle} ${ticks} 1 1\n`,
    [`/proc/${pid}/status`]: `Name:\tgitlab-runner\nUid:\t${uid}\t${uid}\t${uid}\t${uid}\n`,
    ...(environment === undefined
      ? {}
      : { [`/proc/${pid}/environ`]: environment.map((entry) => `${entry}\0`).join('') }),
  };
}
