/**
 * Was the runner killed for lack of memory? A counter of kills shows when to read the kernel's log, and the log names
 * the victim. The runner's process is recognized by its pid, recorded while it ran, or by its name.
 */
import type { Paths } from '../../core/paths.ts';
import type { OomVictim } from './kernel-log.ts';
import { readOomVictims } from './kernel-log.ts';
import { parseCounters, readProc } from './proc-files.ts';

/** The kernel cuts names to 15 characters. */
const RUNNER_NAME = /^gitlab-runner/;
/** Of a runner that is restarted by systemd: more would be the past of another life. */
const MAX_PIDS = 50;
/** Two kills of the runner within this time are a loop, even while it runs in between. */
const LOOP_SECONDS = 900;

export interface OomState {
  /** Kills since boot, of whomever; undefined where the kernel does not count them. */
  readonly kills: number | undefined;
  /** The last kill of the runner that still matters. */
  readonly runner?: OomVictim;
  /** The last victim, of any name. */
  readonly last?: OomVictim;
  /** False when a process was killed and the kernel's log cannot be read. */
  readonly isReadable: boolean;
}

export class OomWatch {
  readonly #pids: number[] = [];
  #kills: number | undefined;
  #victims: readonly OomVictim[] | undefined = [];

  /** `pid` is that of the runner now; undefined while there is none. */
  async read(pid: number | undefined, paths: Paths): Promise<OomState> {
    if (pid !== undefined && !this.#pids.includes(pid)) this.#pids.push(pid);
    this.#pids.splice(0, this.#pids.length - MAX_PIDS);
    const kills = parseCounters((await readProc(paths, 'vmstat')) ?? '').get('oom_kill');
    if (kills !== this.#kills && (kills ?? 0) > 0) this.#victims = await readOomVictims(paths);
    this.#kills = kills;
    const victims = this.#victims ?? [];
    const runner = await this.#relevant(victims, pid, paths);
    const last = victims.at(-1);
    return {
      kills,
      ...(runner === undefined ? {} : { runner }),
      ...(last === undefined ? {} : { last }),
      isReadable: this.#victims !== undefined,
    };
  }

  /**
   * While there is no runner: its last process, if that was killed. While it runs: only a loop of kills, since one
   * is over with the restart.
   */
  async #relevant(
    victims: readonly OomVictim[],
    living: number | undefined,
    paths: Paths,
  ): Promise<OomVictim | undefined> {
    const uptime = Number.parseFloat((await readProc(paths, 'uptime')) ?? '');
    const recent = victims.filter(({ seconds }) => !(uptime - seconds > LOOP_SECONDS));
    const lastPid = this.#pids.at(-1);
    // Jobs call the same program: its name counts only where no process was ever seen.
    if (lastPid === undefined) return recent.findLast(({ name }) => RUNNER_NAME.test(name));
    if (living === undefined) return victims.findLast(({ pid }) => pid === lastPid);
    // A number may come round again: the one that lives was not killed.
    const own = recent.filter(({ pid }) => pid !== living && this.#pids.includes(pid));
    return own.length > 1 ? own.at(-1) : undefined;
  }
}
