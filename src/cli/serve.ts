/** `runnerwatch serve`: the daemon, its listeners and its signals. */
import { errnoText } from '../core/errno.ts';
import type { Exporter } from '../metrics/exporter.ts';
import { createExporter } from '../metrics/exporter.ts';
import { listenAll } from '../server/listen.ts';
import { buildServer } from '../server.ts';
import { ALL_PROBES } from './all-probes.ts';
import type { Assembly } from './create-daemon.ts';
import { createDaemon } from './create-daemon.ts';
import type { Invocation } from './command-line.ts';
import { waitForAbort, stopSignal } from './stop-signal.ts';

const EXIT_OK = 0;
const EXIT_FAILED = 1;

export async function serve(invocation: Invocation): Promise<number> {
  const exporter = createExporter(ALL_PROBES);
  const assembly = await createDaemon(invocation, {
    quiet: false,
    onResult: (result, probe) => exporter.observe(result, probe),
  });
  if (assembly.kind === 'done') return assembly.exitCode;
  const stop = stopSignal();
  try {
    await run(assembly, exporter, stop);
    return EXIT_OK;
  } catch (error) {
    process.stderr.write(`runnerwatch: ${errnoText(error)}\n`);
    return EXIT_FAILED;
  }
}

async function run(
  { daemon, log, addresses, enableLifecycle, protection }: Ready,
  exporter: Exporter,
  stop: AbortSignal,
): Promise<void> {
  const tell = (problems: readonly string[]): void =>
    log.error({ problems }, 'web config not reloaded');
  const reload = async (): Promise<readonly string[]> => {
    const problems = await protection.refresh();
    if (problems.length > 0) tell(problems);
    return [...problems, ...(await daemon.reload())];
  };
  const app = buildServer({
    read: () => daemon.view(),
    incident: (id) => daemon.incident(id),
    render: (view, format) => exporter.render(view, format),
    judge: (authorization) => protection.judge(authorization),
    ...(enableLifecycle ? { reload } : {}),
  });
  process.on('SIGHUP', () => void reload());
  const listening = await listenAll(app, addresses, protection);
  log.info({ addresses: listening.addresses }, 'listening');
  protection.watch(tell);
  try {
    // A start that hangs must not keep the daemon from ending.
    await Promise.race([daemon.start().then(() => daemon.markListening()), waitForAbort(stop)]);
    await waitForAbort(stop);
    log.info({}, 'stopping');
  } finally {
    protection.stop();
    await Promise.all([daemon.stop(), listening.close()]);
  }
}

type Ready = Extract<Assembly, { kind: 'ready' }>;
