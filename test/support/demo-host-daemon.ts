/** The daemon on the demo host, with short intervals and bounded waits. */
import { defaultSettings } from '../../src/config/settings/settings.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { View } from '../../src/core/view.ts';
import { Daemon } from '../../src/daemon.ts';
import { demoSettings } from '../../src/demo/settings.ts';
import type { DemoHost } from '../../src/demo/demo-host.ts';
import { DEMO_CONFIG } from '../../src/demo/demo-host.ts';
import { createLog } from '../../src/log.ts';
import type { PlanSettings } from '../../src/core/settings.ts';
import { inPatience } from './until.ts';
import { ALL_PROBES } from '../../src/cli/all-probes.ts';

/** No setting may be that quick; the machine of the tests need not wait for three runs of a second. */
const QUICK_SECONDS = 0.4;
/** No fault of the demo concerns them: they keep the pace of the demo. */
const UNHURRIED = new Set(['disk', 'cpu', 'memory', 'limits', 'cgroup']);

export interface DemoHostDaemon extends AsyncDisposable {
  readonly daemon: Daemon;
  readonly log: readonly string[];
  /** Waits until the view is as wanted; the error shows the last view. */
  until(wanted: (view: View) => boolean, what: string): Promise<View>;
}

export async function startDemoHostDaemon(
  stage: DemoHost,
  over: Partial<PlanSettings> = {},
): Promise<DemoHostDaemon> {
  const log: string[] = [];
  const settings = { ...demoSettings(defaultSettings(ALL_PROBES)), ...over };
  const probes = Object.fromEntries(
    Object.entries(settings.probes).map(([id, one]) => [
      id,
      {
        ...one,
        ...(UNHURRIED.has(id) ? {} : { intervalSeconds: QUICK_SECONDS }),
        // Nothing of the stage is slow; a machine that is busy with something else may be.
        options: { ...one.options, ...('slow_seconds' in one.options && { slow_seconds: 60 }) },
      },
    ]),
  );
  const daemon = new Daemon({
    probes: ALL_PROBES,
    settings: { ...settings, probes, runnerConfig: DEMO_CONFIG },
    loadSettings: async () => ({ settings, problems: [] }),
    paths: { rootfs: stage.rootfs, procfs: stage.procfs, sysfs: '/sys' },
    clock: systemClock,
    log: createLog({ level: 'debug', format: 'logfmt', sink: { write: (line) => log.push(line) } }),
    stateDirectory: `${stage.rootfs}/state`,
    demo: true,
  });
  await daemon.start();
  daemon.markListening();
  return {
    daemon,
    log,
    until: async (wanted, what) => await waitFor(daemon, wanted, what),
    [Symbol.asyncDispose]: async () => await daemon.stop(),
  };
}

async function waitFor(
  daemon: Daemon,
  wanted: (view: View) => boolean,
  what: string,
): Promise<View> {
  const { promise, resolve } = Promise.withResolvers<View>();
  const inspect = (): void => {
    const view = daemon.view();
    if (wanted(view)) resolve(view);
  };
  const missing = (): string => {
    const { verdict, causes, summary } = daemon.view().diagnosis;
    const found = causes.map(({ id, confidence }) => `${id} (${confidence})`).join(', ');
    return `waited for ${what}; it is ${verdict}: ${found || summary}`;
  };
  const stop = daemon.onChange(inspect);
  inspect();
  try {
    return await inPatience(promise, missing);
  } finally {
    stop();
  }
}
