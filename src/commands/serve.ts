/** `runnerwatch serve`: the daemon, its listeners and its signals. */
import type { Invocation } from './command-line.ts';
import { assemble } from './assemble.ts';
import { aborted, stopSignal } from './stop-signal.ts';
import { errnoText } from '../core/errno.ts';
import { listenAll } from '../server-listen.ts';
import { buildServer } from '../server.ts';

const EXIT_OK = 0;
const EXIT_FAILED = 1;

export async function serve(invocation: Invocation): Promise<number> {
  const assembly = await assemble(invocation, { quiet: false });
  if (assembly.kind === 'done') return assembly.exitCode;
  const { daemon, exporter, log, addresses, enableLifecycle } = assembly;
  const app = buildServer({
    read: () => daemon.view(),
    render: (view, format) => exporter.render(view, format),
    ...(enableLifecycle ? { reload: () => daemon.reload() } : {}),
  });
  const stop = stopSignal();
  process.on('SIGHUP', () => void daemon.reload());
  try {
    const listening = await listenAll(app, addresses);
    log.info({ addresses: listening.addresses }, 'listening');
    await daemon.start();
    daemon.markListening();
    await aborted(stop);
    log.info({}, 'stopping');
    await Promise.all([daemon.stop(), listening.close()]);
    return EXIT_OK;
  } catch (error) {
    process.stderr.write(`runnerwatch: ${errnoText(error)}\n`);
    return EXIT_FAILED;
  }
}
