import { once } from 'node:events';
import { connect } from 'node:net';

import { expect, test } from 'vitest';

import { handshakeLikeGo } from '../../../src/go/tls/handshake.ts';
import { SHARED_TRUST } from '../../../src/go/tls/trust.ts';
import { rootFolder } from '../../support/dns-server.ts';
import { startTcpServer } from '../../support/tcp-server.ts';
import { patient } from '../../support/until.ts';

test.each(['connect', 'close'])(
  'a server that hangs up before the first message is closed, not silent: seen at %s',
  async (event) => {
    await using root = await rootFolder({});
    await using server = await startTcpServer((socket) => socket.end());
    const source = { certsDirectory: '/etc/gitlab-runner/certs' };
    const trust = await SHARED_TRUST.load(source, 'gitlab.test', root.paths);
    const socket = connect({ host: '127.0.0.1', port: server.port });
    await once(socket, event);

    const request = { host: 'gitlab.test', trust, now: Date.now() };
    const signal = patient();

    expect(await handshakeLikeGo(socket, { ...request, signal })).toMatchObject({ kind: 'closed' });
  },
);
