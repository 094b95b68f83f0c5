/** The files of the runner's host, in a folder that is used as its root; the changes of a row are undone. */
import { chmod, chown, mkdir, readFile, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const FOLDERS = [
  'etc/ssl/certs',
  'etc/runnerwatch',
  'usr/bin',
  'tmp',
  'builds',
  'cache',
  'home/gitlab-runner',
  'var/log',
  'state',
];

export class RootFiles {
  readonly path: string;
  readonly #runnerFolder: string;
  readonly #good: ReadonlyMap<string, string>;
  readonly #changed = new Set<string>();

  private constructor(path: string, good: ReadonlyMap<string, string>, runnerFolder: string) {
    this.path = path;
    this.#runnerFolder = runnerFolder;
    this.#good = good;
  }

  static async create(
    path: string,
    files: Readonly<Record<string, string>>,
    runnerFolder = '/etc/gitlab-runner',
  ): Promise<RootFiles> {
    for (const folder of [...FOLDERS, join(runnerFolder, 'certs')])
      await mkdir(join(path, folder), { recursive: true });
    const made = new RootFiles(path, new Map(Object.entries(files)), runnerFolder);
    for (const [name, text] of Object.entries(files)) await made.#put(name, text);
    return made;
  }

  /** Paths as the runner sees them: `/etc/hosts`. */
  async write(name: string, content: string | Buffer, mode?: number): Promise<void> {
    this.#changed.add(name);
    await this.#put(name, content);
    if (mode !== undefined) await chmod(join(this.path, name), mode);
  }

  async own(name: string, uid: number): Promise<void> {
    await chown(join(this.path, name), uid, uid);
  }

  async remove(name: string): Promise<void> {
    this.#changed.add(name);
    await rm(join(this.path, name), { recursive: true, force: true });
  }

  async read(name: string): Promise<string> {
    return await readFile(join(this.path, name), 'utf8');
  }

  /** Replaces a part of a file that must be in it. */
  async edit(name: string, part: string | RegExp, by: string): Promise<void> {
    const text = await this.read(name);
    const edited = text.replace(part, by);
    if (edited === text) throw new Error(`${name} holds no ${String(part)}`);
    await this.write(name, edited);
  }

  /** What a row changed is as at the start; files that it added are gone. */
  async restore(): Promise<void> {
    for (const name of this.#changed) {
      const text = this.#good.get(name);
      if (text === undefined) await rm(join(this.path, name), { recursive: true, force: true });
      else await this.#put(name, text);
    }
    this.#changed.clear();
  }

  /** A new time of change and nothing else, as `touch` does. */
  async touch(name: string): Promise<void> {
    const now = new Date();
    await utimes(join(this.path, name), now, now);
  }

  /** Names and contents below the runner's own folder: only the row may change them. */
  async runnerFolder(): Promise<string> {
    const folder = join(this.path, this.#runnerFolder);
    const names = await readdir(folder, { recursive: true });
    const texts = names.toSorted().map(async (name) => {
      const text = await readFile(join(folder, name), 'latin1').catch(() => '(folder)');
      return `${name}\n${text}`;
    });
    return (await Promise.all(texts)).join('\n');
  }

  async #put(name: string, content: string | Buffer): Promise<void> {
    const file = join(this.path, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }
}
