/** A process that does nothing under a command line and an environment of one's choice, as /proc shows them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Loaded before Node opens its script, and never finished: so the script need not exist. */
const FOR_EVER = `data:text/javascript,${encodeURIComponent(
  "process.on('disconnect', () => process.exit()); process.send('up'); await new Promise(() => {});",
)}`;

export interface NamedProcess extends AsyncDisposable {
  readonly pid: number;
}

export async function startNamedProcess(
  [program = '', ...args]: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<NamedProcess> {
  const child = spawn(process.execPath, args, {
    argv0: program,
    env: { ...environment, NODE_OPTIONS: `--import=${FOR_EVER}` },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  await once(child, 'message');
  return {
    pid: child.pid ?? 0,
    [Symbol.asyncDispose]: async () => {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}
