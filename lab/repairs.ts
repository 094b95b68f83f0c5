/** The fixes of reports, done in the lab: with the same effect, since there is no systemd and no sudo here. */
import type { World } from './world.ts';

/** A good file at the place that config.toml names, then a restart. */
export function useCaFile(path: string, pem: string) {
  return async ({ files, runner }: World): Promise<void> => {
    await files.write(path, pem);
    await runner.restart();
  };
}

/** A drop-in with the environment, then a restart. */
export function restartWith(environment: Readonly<Record<string, string>>) {
  return async ({ runner }: World): Promise<void> => await runner.restart(environment);
}
