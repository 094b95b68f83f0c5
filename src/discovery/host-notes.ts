/**
 * What the targets depend on beside the runner's own file and process: its place,
 * proxies, mounts. One read at a time, and none is waited for long: with a file that hangs, what was read before holds.
 */
import { deadlineOf, withSignal } from '../core/abort.ts';
import type { GoBuild } from '../core/go-build.ts';
import type { Paths } from '../core/paths.ts';
import type { Place } from '../core/place.ts';
import type { RunnerProcess } from '../core/reading.ts';
import { readDockerRoot } from '../host/docker/root.ts';
import type { FileSystemTable } from '../host/fs/file-system-table.ts';
import { readFileSystemTable } from '../host/fs/file-system-table.ts';
import type { Mount } from '../host/fs/mounts.ts';
import { readMounts } from '../host/fs/mounts.ts';
import type { ProxyHint } from '../host/net/proxy-settings.ts';
import { readProxyHints, readUnitEnvironment } from '../host/net/proxy-settings.ts';
import { PACKAGED_PLACE } from '../host/place/packaged.ts';
import { installedBuild } from './installed-program.ts';
import type { PlaceQuestion } from './place.ts';
import { PlaceFinder } from './place.ts';

const READ_SECONDS = 5;
/** So many late reads in a row are no busy machine. */
const LATE_READS = 3;
const HUNG = `reading the unit, its environment files or the proxy settings of this host took more than ${READ_SECONDS} s, so they are unknown`;

interface HostSettings {
  readonly place: Place;
  readonly proxyHints: readonly ProxyHint[];
  readonly fstab: FileSystemTable;
  readonly dockerRoot: string;
  readonly unitEnvironment?: Readonly<Record<string, string>>;
  /** While the runner does not run: what its program says. */
  readonly installed?: GoBuild;
}

export interface NotesQuestion extends PlaceQuestion {
  readonly last: RunnerProcess | undefined;
}

export interface Notes extends HostSettings {
  readonly mounts: readonly Mount[];
  /** Mount points that were writable since the daemon started, or are so by /etc/fstab. */
  readonly meantWritable: readonly string[];
  readonly meantReadOnly: readonly string[];
}

/** What holds until the first reading. */
const nothingAt = (paths: Paths): HostSettings => ({
  place: { ...PACKAGED_PLACE, paths },
  proxyHints: [],
  fstab: { writable: [], readOnly: [] },
  dockerRoot: '/var/lib/docker',
});

export class HostNotes {
  readonly #finder = new PlaceFinder();
  #pending: Promise<HostSettings> | undefined;
  #last: HostSettings;
  #hasRead = false;
  #lateReads = 0;
  readonly #seenWritable = new Set<string>();

  constructor(paths: Paths) {
    this.#last = nothingAt(paths);
  }

  async read(question: NotesQuestion): Promise<Notes> {
    this.#pending ??= readHostSettings(this.#finder, question).finally(
      () => (this.#pending = undefined),
    );
    using deadline = deadlineOf(READ_SECONDS);
    try {
      this.#last = await withSignal(this.#pending, deadline.signal);
      this.#hasRead = true;
      this.#lateReads = 0;
    } catch {
      this.#lateReads += 1;
    }
    const { last, paths } = question;
    const mounts = await readMounts(paths, last?.container === undefined ? undefined : last.pid);
    const { fstab } = this.#last;
    const meantWritable = [...this.#writableSince(mounts), ...fstab.writable];
    return {
      ...this.#last,
      mounts,
      meantWritable: [...new Set(meantWritable)],
      meantReadOnly: fstab.readOnly,
    };
  }

  get place(): Place {
    return this.#last.place;
  }

  /** What could not be read, one sentence each. */
  unreadable(): readonly string[] {
    const isHung = this.#lateReads >= (this.#hasRead ? LATE_READS : 1);
    return isHung ? [HUNG] : [];
  }

  #writableSince(mounts: readonly Mount[]): ReadonlySet<string> {
    const points = new Set(mounts.map(({ mountPoint }) => mountPoint));
    for (const { mountPoint, superOptions } of mounts) {
      if (!superOptions.includes('ro')) this.#seenWritable.add(mountPoint);
    }
    for (const point of this.#seenWritable) {
      if (!points.has(point)) this.#seenWritable.delete(point);
    }
    return this.#seenWritable;
  }
}

async function readHostSettings(
  finder: PlaceFinder,
  question: NotesQuestion,
): Promise<HostSettings> {
  const { process, last, paths } = question;
  if (last?.container !== undefined) return await settingsOfContainer(finder, question, last);
  const [place, fstab, dockerRoot] = await Promise.all([
    finder.find(question),
    readFileSystemTable(paths),
    readDockerRoot(paths),
  ]);
  const [proxyHints, unitEnvironment, installed] = await Promise.all([
    readProxyHints(place.unit, paths),
    place.unit === undefined ? undefined : readUnitEnvironment(place.unit, paths),
    process === undefined ? installedBuild(place.unit, last, paths) : undefined,
  ]);
  const environment = unitEnvironment === undefined ? {} : { unitEnvironment };
  const program = installed === undefined ? {} : { installed };
  return { place, proxyHints, fstab, dockerRoot, ...environment, ...program };
}

/** What the host's files say does not reach into a container; its engine starts it with the environment it was made with. */
async function settingsOfContainer(
  finder: PlaceFinder,
  question: NotesQuestion,
  { go, environment, volumes }: RunnerProcess,
): Promise<HostSettings> {
  const place = await finder.find(question);
  const program = go === undefined ? {} : { installed: go };
  const isStopped = volumes !== undefined && environment !== undefined;
  const given = isStopped ? { unitEnvironment: environment } : {};
  return { ...nothingAt(question.paths), place, ...program, ...given };
}
