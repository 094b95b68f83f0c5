/** The network in which a check looks: test/root/places.test.ts enters one for real. */
import { mkdir, readFile, symlink } from 'node:fs/promises';
import { fstatSync, globSync } from 'node:fs';

import { once } from 'node:events';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { HOST_PATHS } from '../../../src/core/paths.ts';
import { dialLikeGo } from '../../../src/go/dial/dial.ts';
import { sendQuery } from '../../../src/go/dns/query.ts';
import {
  connectTo,
  inNetworkAtHand,
  inNetworkOf,
  networkOf,
  newTcpSocket,
  newUdpSocket,
  obstacleTo,
} from '../../../src/host/net/network.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { rootFolder } from '../../support/dns-server.ts';
import { startTcpServer } from '../../support/tcp-server.ts';
import { patient } from '../../support/until.ts';

const SOURCES = join(import.meta.dirname, '../../../src');
/** Our own listener, what the demo plays, and the one place that makes sockets. */
const MAY_MAKE_SOCKETS = /^(?:server|demo)\/|^host\/net\/network\.ts$|^cli\//;

test('no other file makes a socket, so that none is made in the wrong network', async () => {
  const files = globSync('**/*.ts', { cwd: SOURCES }).filter(
    (file) => !MAY_MAKE_SOCKETS.test(file),
  );
  const makers: string[] = [];
  for (const file of files) {
    const text = await readFile(join(SOURCES, file), 'utf8');
    const imports = [...text.matchAll(/^import \{(?<names>[^}]*)\} from 'node:(?:net|dgram)';/gm)];
    const names = imports.flatMap(({ groups }) => (groups?.['names'] ?? '').split(','));
    if (names.some((name) => /^\s*(?:connect|createConnection|createSocket|Socket)\b/.test(name)))
      makers.push(file);
  }

  expect(makers).toEqual([]);
});

describe('the network of a process', () => {
  test('is not another one where it is ours, or cannot be seen', async () => {
    expect(networkOf(process.pid, HOST_PATHS)).toBeUndefined();
    expect(networkOf(2 ** 30, HOST_PATHS)).toBeUndefined();
  });

  test('is known by its number', async () => {
    await using root = await rootFolder({ '/proc/mark': '' });
    await mkdir(join(root.paths.procfs, '7/ns'), { recursive: true });
    await symlink('net:[4026530000]', join(root.paths.procfs, '7/ns/net'));

    expect(networkOf(7, root.paths)).toEqual({ pid: 7, inode: 4_026_530_000 });
  });
});

describe('a network that has gone', () => {
  const GONE = { ...HOST_PATHS, network: { pid: process.pid, inode: 1 } };

  test('is never taken for the one that has its number now', () => {
    expect(() => inNetworkOf(GONE, () => inNetworkAtHand(() => 'made'))).toThrow(/gone/);
    expect(obstacleTo(GONE)).toBeUndefined();
  });

  test('is an error of no server and of no route', async () => {
    await using server = await startTcpServer();
    const deps = { clock: systemClock, signal: patient(), timeoutSeconds: 5 };
    const address = { address: '127.0.0.1', family: 4 } as const;
    const [dialled, asked] = await inNetworkOf(
      GONE,
      async () =>
        [
          await dialLikeGo([address], server.port, deps),
          await sendQuery(
            { name: 'gitlab.test', server: '127.0.0.1', port: 53, type: 'A', timeoutSeconds: 5 },
            systemClock,
            patient(),
          ),
        ] as const,
    );

    expect(dialled.attempts).toMatchObject([{ outcome: 'ENTRY_REFUSED' }]);
    expect(asked.outcome).toBe('local-error');
    expect((await dialLikeGo([address], server.port, deps)).attempts).toMatchObject([
      { outcome: 'ok' },
    ]);
  });
});

test('a connection for HTTP resolves its name first, and an error comes back', async () => {
  await using server = await startTcpServer();
  const { promise, resolve } = Promise.withResolvers<Error | null>();
  connectTo({ host: 'localhost', port: server.port }, (error, socket) => {
    socket?.destroy();
    resolve(error);
  });
  expect(await promise).toBeNull();

  const refused = Promise.withResolvers<Error | null>();
  connectTo(
    {
      host: 'gitlab.test',
      port: 1,
      dial: async () => await Promise.reject(new Error('none')),
    },
    (error) => refused.resolve(error),
  );
  expect(await refused.promise).toMatchObject({ message: 'none' });
});

test('a network that cannot be opened for another reason lacks no right', async () => {
  await using root = await rootFolder({ '/proc/mark': '' });
  await mkdir(join(root.paths.procfs, '7/ns'), { recursive: true });
  await symlink('net', join(root.paths.procfs, '7/ns/net'));
  const paths = { ...root.paths, network: { pid: 7, inode: 1 } };

  expect(() => inNetworkOf(paths, () => inNetworkAtHand(() => 'made'))).toThrow(
    expect.objectContaining({ code: 'ELOOP' }),
  );
  expect(obstacleTo(paths)).toBeUndefined();
});

test('a descriptor that no socket takes is closed', () => {
  let made = -1;
  const refuse = (fd: number): never => {
    made = fd;
    throw new Error('not set');
  };

  expect(() => newTcpSocket(4, refuse)).toThrow('not set');
  expect(() => fstatSync(made)).toThrow(expect.objectContaining({ code: 'EBADF' }));
});

test('a datagram socket of our own network is a plain one', async () => {
  const socket = newUdpSocket(4);
  socket.connect(9, '127.0.0.1');
  await once(socket, 'connect');
  expect(socket.address().address).toBe('127.0.0.1');
  socket.close();
});
