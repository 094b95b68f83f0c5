/** The runner's own way to a host, for requests of Node. */
import { describe, expect, test } from 'vitest';

import { systemClock } from '../../../src/core/clock.ts';
import { dialerLikeGo } from '../../../src/go/dial/dialer.ts';
import { rootFolder } from '../../support/dns-server.ts';
import { closedPort, startTcpServer } from '../../support/tcp-server.ts';
import { patient } from '../../support/until.ts';

async function dial(host: string, port: number, hosts = '', signal = patient()) {
  await using root = await rootFolder({
    '/etc/hosts': hosts,
    '/etc/nsswitch.conf': 'hosts: files',
  });
  const deps = { paths: root.paths, clock: systemClock, signal, timeoutSeconds: 60 };
  return await dialerLikeGo(deps)(host, port);
}

describe('a host', () => {
  test.each([
    ['the first', ['127.0.0.1', '127.0.0.2']],
    ['the second', ['127.0.0.2', '127.0.0.1']],
  ])('is reached at %s of its addresses, whichever answers', async (_which, addresses) => {
    await using server = await startTcpServer();
    const hosts = addresses.map((address) => `${address} api.test`).join('\n');
    const socket = await dial('api.test', server.port, hosts);

    expect(socket.remoteAddress).toBe('127.0.0.1');
    socket.destroy();
  });

  test('that is an address needs no name', async () => {
    await using server = await startTcpServer();
    const socket = await dial('127.0.0.1', server.port);

    expect(socket.remotePort).toBe(server.port);
    socket.destroy();
  });

  test('that does not answer has the code of Node', async () => {
    const port = await closedPort();

    await expect(dial('api.test', port, '127.0.0.1 api.test')).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    });
    await expect(dial('api.test', port)).rejects.toMatchObject({ code: 'ENOTFOUND' });
    await expect(dial('127.0.0.1', port, '', AbortSignal.abort())).rejects.toMatchObject({
      code: 'ETIMEDOUT',
    });
  });
});
