/**
 * `runnerwatch demo`: the real daemon on a demo host, where GitLab and the runner are stand-ins, with faults to switch
 * on and off. Ends with Ctrl-C and leaves nothing behind.
 */
import { defaultSettings } from '../config/settings/settings.ts';
import { systemClock } from '../core/clock.ts';
import { HOST_PATHS } from '../core/paths.ts';
import { Daemon } from '../daemon.ts';
import { startControlPage } from '../demo/control-page.ts';
import { findEngine } from '../demo/engine.ts';
import { CONTAINER_FAULTS, DEMO_FAULTS, FaultSwitch } from '../demo/faults.ts';
import { demoSettings } from '../demo/settings.ts';
import type { DemoHost } from '../demo/demo-host.ts';
import { buildDemoHost } from '../demo/demo-host.ts';
import { useTerminal } from '../demo/terminal.ts';
import { createLog } from '../log.ts';
import { createExporter } from '../metrics/exporter.ts';
import { ALL_PROBES } from './all-probes.ts';
import type { ListeningServer } from '../server/listen.ts';
import { listenAll } from '../server/listen.ts';
import { buildServer } from '../server.ts';
import type { Invocation } from './command-line.ts';
import { listFlag, switchFlag } from './command-line.ts';
import { waitForAbort, stopSignal } from './stop-signal.ts';

const EXIT_OK = 0;
const EXIT_FAILED = 1;

export async function demo(invocation: Invocation): Promise<number> {
  const stop = new AbortController();
  stopSignal().addEventListener('abort', () => stop.abort());
  // The window of its terminal is closed: nothing may stay then either. Under nohup there is no terminal.
  if (process.stdout.isTTY) process.once('SIGHUP', () => stop.abort());
  try {
    const isInContainer = switchFlag(invocation, 'container');
    await using stage = await buildDemoHost(
      isInContainer ? await findEngine(HOST_PATHS) : undefined,
    );
    const faults = new FaultSwitch(stage, isInContainer ? CONTAINER_FAULTS : DEMO_FAULTS);
    await watch({ stage, faults, stop, addresses: listFlag(invocation, 'web.listen-address') });
    return EXIT_OK;
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    process.stderr.write(`runnerwatch: cannot run the demo: ${text}\n`);
    return EXIT_FAILED;
  }
}

interface Watched {
  readonly stage: DemoHost;
  readonly faults: FaultSwitch;
  readonly stop: AbortController;
  readonly addresses: readonly string[];
}

async function watch({ stage, faults, stop, addresses }: Watched): Promise<void> {
  const isInteractive = process.stdin.isTTY && process.stdout.isTTY;
  const { daemon, app } = assembleDemo(stage, isInteractive);
  let listening: ListeningServer | undefined;
  try {
    listening = await listenAll(app, addresses);
    await runDemo({
      stage,
      faults,
      daemon,
      stop,
      isInteractive,
      status: listening.addresses[0] ?? '',
    });
  } finally {
    await Promise.all([daemon.stop(), listening?.close()]);
  }
}

interface RunningDemo {
  readonly stage: DemoHost;
  readonly faults: FaultSwitch;
  readonly daemon: Daemon;
  readonly stop: AbortController;
  readonly isInteractive: boolean;
  /** Where the daemon listens. */
  readonly status: string;
}

async function runDemo({
  stage,
  faults,
  daemon,
  stop,
  isInteractive,
  status,
}: RunningDemo): Promise<void> {
  const view = () => daemon.view();
  await using control = await startControlPage({ faults, view, statusAddress: `${status}/` });
  await daemon.start();
  daemon.markListening();
  const lines = linesOf(status, control.address, stage.runnerLog);
  if (!isInteractive) {
    process.stdout.write(
      `runnerwatch demo: GitLab and the runner are simulated\n${lines.join('\n')}\n`,
    );
    await waitForAbort(stop.signal);
    return;
  }
  const { stdin, stdout } = process;
  using terminal = useTerminal({ faults, view, lines, stop: () => stop.abort(), stdin, stdout });
  daemon.onChange(() => terminal.draw());
  await waitForAbort(stop.signal);
}

function assembleDemo({ rootfs, procfs, configPath }: DemoHost, isQuiet: boolean) {
  const settings = { ...demoSettings(defaultSettings(ALL_PROBES)), runnerConfig: configPath };
  const exporter = createExporter(ALL_PROBES);
  const daemon = new Daemon({
    probes: ALL_PROBES,
    settings,
    loadSettings: async () => ({ settings, problems: [] }),
    paths: { rootfs, procfs, sysfs: '/sys' },
    clock: systemClock,
    log: createLog({ level: isQuiet ? 'error' : 'info', format: 'logfmt', sink: process.stderr }),
    demo: true,
    onResult: (result, probe) => exporter.observe(result, probe),
  });
  const app = buildServer({
    read: () => daemon.view(),
    incident: (id) => daemon.incident(id),
    render: async (view, format) => await exporter.render(view, format),
  });
  return { daemon, app };
}

function linesOf(
  status: string,
  control: string,
  runnerLog: string | undefined,
): readonly string[] {
  return [
    `status page    ${status}/`,
    `break things   ${control}`,
    `health         curl -s '${status}/health?format=text'`,
    `metrics        curl -s ${status}/metrics`,
    ...(runnerLog === undefined ? [] : [`runner's log   ${runnerLog}`]),
  ];
}
