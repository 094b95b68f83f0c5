/**
 * Is this command line that of the runner's main process, and with which arguments? An emulator, a loader or an
 * interpreter comes before the program that it runs, and a program that sets its own title has one argument in which
 * blanks separate the original ones.
 *
 * Source  /proc/PID/cmdline (proc(5)); docs/reference/runner-config.md#where-the-file-is.
 */
import { basename } from 'node:path';

const PROGRAM = /^gitlab-runner(?:-linux-[a-z0-9]+|-fips)*$/;
/** Programs that run the program in their first argument. */
const CARRIER = /^(?:qemu-\w+(?:-static)?|ld-(?:linux|musl)[\w.-]*|node|python[\d.]*|ruby|perl)$/;
/** Global flags that take a value, before the command. */
const GLOBAL_VALUE_FLAGS = new Set(['--log-level', '-l', '--log-format', '--cpuprofile']);

/** The arguments from `gitlab-runner` on when the command is `run`; also for the names of the released binaries. */
export function runnerArguments(given: readonly string[]): readonly string[] | undefined {
  const words = withoutCarrier(splitTitle(given));
  const [program = '', ...rest] = words;
  if (!PROGRAM.test(basename(program))) return undefined;
  let index = 0;
  while (rest[index]?.startsWith('-') === true) {
    index += GLOBAL_VALUE_FLAGS.has(rest[index] ?? '') ? 2 : 1;
  }
  // Under a name that it was given, an interpreter shows its script first.
  if (rest[index]?.startsWith('/') === true) index += 1;
  return rest[index] === 'run' ? words : undefined;
}

function splitTitle(words: readonly string[]): readonly string[] {
  const [title = '', ...others] = words;
  const isTitle = /^\S*gitlab-runner\S* /.test(title) && others.every((word) => word === '');
  return isTitle ? title.trim().split(/ +/) : words;
}

function withoutCarrier(words: readonly string[]): readonly string[] {
  const [first = '', ...rest] = words;
  if (!CARRIER.test(basename(first))) return words;
  const program = rest.findIndex((word) => !word.startsWith('-'));
  return program === -1 ? words : rest.slice(program);
}
