/**
 * The command line of the program on a host of its own. Every start in test/ goes through here: what a test does
 * not say is an empty folder or a free port, and never what the machine that runs the tests has there, such as
 * the state, the settings or the runner of another installation.
 */
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { CommandName } from '../../src/cli/command-table.ts';
import { COMMANDS } from '../../src/cli/command-table.ts';

const ROOT = join(import.meta.dirname, '../..');
const NODE = join(ROOT, 'node_modules/.bin/node');
/** The value of each flag whose default leads to this machine. */
const OWN: Readonly<Record<string, (folder: string) => string>> = {
  'path.rootfs': (folder) => madeFolder(folder, 'root'),
  'path.procfs': procWithoutProcesses,
  'state.directory': (folder) => madeFolder(folder, 'state'),
  'config.file': (folder) => {
    const file = join(folder, 'no-settings.toml');
    writeFileSync(file, '');
    return file;
  },
  'web.listen-address': () => '127.0.0.1:0',
};

/** Node, the program and its words; what the words leave open is in `folder`. `root` is another copy of the repository. */
export function programArguments(
  args: readonly string[],
  folder: string,
  root = ROOT,
): readonly [string, ...string[]] {
  return [NODE, join(root, 'src/main.ts'), ...onOwnHost(args, folder)];
}

export function onOwnHost(args: readonly string[], folder: string): readonly string[] {
  const [first = ''] = args;
  const isNamed = Object.hasOwn(COMMANDS, first);
  // Flags alone are those of the daemon.
  if (!isNamed && first !== '' && !first.startsWith('--')) return args;
  const { flags } = COMMANDS[isNamed ? (first as CommandName) : 'serve'];
  const added = Object.entries(OWN)
    .filter(([name]) => Object.hasOwn(flags, name))
    .filter(([name]) =>
      args.every((word) => word !== `--${name}` && !word.startsWith(`--${name}=`)),
    )
    .map(([name, told]) => `--${name}=${told(folder)}`);
  return isNamed ? [first, ...added, ...args.slice(1)] : [...added, ...args];
}

/** Everything of this host's /proc but its processes. */
function procWithoutProcesses(folder: string): string {
  const proc = join(folder, 'proc');
  if (mkdirSync(proc, { recursive: true }) === undefined) return proc;
  for (const name of readdirSync('/proc'))
    if (!/^\d+$/.test(name)) symlinkSync(join('/proc', name), join(proc, name));
  return proc;
}

function madeFolder(folder: string, name: string): string {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  return path;
}
