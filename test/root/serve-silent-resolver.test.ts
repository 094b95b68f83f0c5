/** A resolver that never answers, on port 53 of a loopback address, does not keep the daemon from ending. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { startDnsServer } from '../support/dns-server.ts';
import { programStage } from '../support/program-stage.ts';
import { startProgram } from '../support/program.ts';
import { until } from '../support/until.ts';

const RESOLVER = '127.0.0.77';

test.each(['SIGTERM', 'SIGINT'] as const)(
  'at %s the daemon ends by itself, before its patience does, while a lookup waits',
  async (signal) => {
    await using dns = await startDnsServer(() => 'silent', RESOLVER, 53);
    await using scene = await programStage();
    await scene.stage.setName(false);
    await writeFile(join(scene.stage.rootfs, 'etc/resolv.conf'), `nameserver ${RESOLVER}\n`);
    await using program = startProgram([
      'serve',
      ...scene.flags,
      '--web.listen-address=127.0.0.1:0',
    ]);
    await until(() => dns.asked.length > 0);

    program.kill(signal);

    // A process that had to be ended by force has 1 or a signal.
    expect(await program.ended).toMatchObject({ code: 0, signal: null });
  },
);
