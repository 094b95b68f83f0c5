/** Answers in a form that Go's client refuses, and odd ones that it reads. */
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { connect } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

import { rsaKeys } from '../../test/support/certificates.ts';
import type { Script } from '../../test/support/dns-server.ts';
import { usualScript } from '../peers/names.ts';
import { GOOD, publicLeaf } from '../peers/pki.ts';
import type { FaultRow, Row } from '../scenario.ts';
import type { World } from '../world.ts';

const TLS = { cert: GOOD.certificatePem, key: GOOD.privateKeyPem };
const RSA_LEAF = publicLeaf({ keys: rsaKeys(2048) });
const NO_WEB = 'o/o/n/o/F/s/s';

/** As some routers do. */
const withoutEdns: Script = (name, type, transport, hasEdns) =>
  hasEdns === true ? 'servfail' : usualScript(name, type, transport);

type Rewrite = (head: string) => string;

/** GitLab behind a reverse proxy that changes the beginning of each answer. */
async function rewriteAnswers({ gitlab }: World, rewrite: Rewrite): Promise<void> {
  await gitlab.replace((): Server => {
    const behind = createHttpServer(gitlab.application.listener).listen(0, '127.0.0.1');
    const front = createTlsServer(TLS, (socket) => {
      const { port } = behind.address() as AddressInfo;
      const inner = connect(port, '127.0.0.1');
      inner.on('error', () => socket.destroy()).on('close', () => socket.end());
      socket.on('error', () => {}).on('close', () => inner.destroy());
      socket.pipe(inner);
      inner.on('data', (chunk: Buffer) => {
        const text = chunk.toString('latin1');
        socket.write(text.startsWith('HTTP/') ? rewrite(text) : text, 'latin1');
      });
    });
    front.on('tlsClientError', () => {}).once('close', () => behind.close());
    return front;
  });
}

/** Adds header lines below the status line. */
function adds(lines: string): Rewrite {
  return (head) => head.replace('\r\n', `\r\n${lines}`);
}

function refused(id: string, title: string, rewrite: Rewrite, says: RegExp): FaultRow {
  return {
    id,
    title,
    inject: (world) => rewriteAnswers(world, rewrite),
    expect: { cause: 'http-response-malformed', severity: 'critical', chain: NO_WEB, says },
    runnerLogs: /malformed MIME header/,
    mustNot: ['not-a-gitlab-server', 'connection-reset-midstream', 'unknown'],
  };
}

/** What Go forgives: blanks, a length twice, a name with a blank, bare line feeds. */
const ODD: Rewrite = (head) =>
  head
    .replace(/^HTTP\/1\.1 (\d+) /, 'HTTP/1.1  $1  ')
    .replace('\r\n', '\r\nX Cache: a\r\nX-Via : b\r\nX-Bytes: \u00e9\r\n')
    .replace(/^(Content-Length: \d+)\r\n/im, '$1\r\n$1\n');

export const httpFormRows: readonly Row[] = [
  refused(
    'F-01',
    'a control character in a header of each answer',
    adds('X-Cache: hit\u0001\r\n'),
    /header X-Cache contains the control character 0x01/,
  ),
  refused('F-02', 'a header line without a colon', adds('nonsense\r\n'), /no colon/),
  refused(
    'F-03',
    'a transfer encoding that is not chunked',
    adds('Transfer-Encoding: gzip, chunked\r\n'),
    /Transfer-Encoding is not/,
  ),
  refused('F-04', 'an empty line before the status line', (head) => `\r\n${head}`, /empty line/),
  refused(
    'F-05',
    'a redirect to what is no URL',
    (head) =>
      head.replace(
        /^HTTP\/1\.1 \d+ [^\r]*\r\n/,
        'HTTP/1.1 302 Found\r\nLocation: http://a%zz/\r\n',
      ),
    /Location that is not a URL/,
  ),
  {
    id: 'F-06',
    title: 'a server without TLS that speaks HTTP/2 only, behind a TLS proxy',
    inject: async ({ gitlab }) => {
      await gitlab.replace((): Server => {
        const behind = createHttp2Server().listen(0, '127.0.0.1');
        const front = createTlsServer(TLS, (socket) => {
          const inner = connect((behind.address() as AddressInfo).port, '127.0.0.1');
          inner.on('error', () => socket.destroy());
          socket.on('error', () => {}).on('close', () => inner.destroy());
          socket.pipe(inner).pipe(socket);
        });
        front.on('tlsClientError', () => {}).once('close', () => behind.close());
        return front;
      });
    },
    expect: { cause: 'http2-only-server', severity: 'critical', chain: NO_WEB, says: /ALPN/ },
    runnerLogs: /malformed HTTP response/,
    mustNot: ['not-a-gitlab-server', 'connection-reset-midstream', 'unknown'],
  },
  {
    id: 'F-91',
    title: 'a server with RSA key exchange only, and a runner whose GODEBUG allows it',
    world: { environment: { GODEBUG: 'http2debug=0,tlsrsakex=1' } },
    act: ({ gitlab }) =>
      gitlab.serve(RSA_LEAF, { maxVersion: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256:@SECLEVEL=0' }),
    allowed: [],
  },
  {
    id: 'F-92',
    title:
      'a filter drops large first messages of TLS, and the GODEBUG of the runner keeps its own small',
    world: { environment: { GODEBUG: 'tlsmlkem=0' } },
    act: ({ network }) =>
      network.rule('gl', 'input', 'tcp dport 443 meta length > 1200 reject with tcp reset'),
    allowed: [],
  },
  {
    id: 'F-93',
    title: 'a name server answers no query with EDNS, and the GODEBUG of the runner sends none',
    world: { environment: { GODEBUG: 'netedns0=0' } },
    act: ({ names }) => names.answer(withoutEdns),
    allowed: [],
  },
  {
    id: 'F-94',
    title: 'a name server answers no query with EDNS, which Go sends',
    inject: ({ names }) => names.answer(withoutEdns),
    expect: { cause: 'dns-server-failure', severity: 'critical', chain: 'F/s/n/s/s/s/s' },
    runnerLogs: /server misbehaving/,
    mustNot: ['dns-name-not-found', 'unknown'],
  },
  {
    id: 'F-90',
    title: 'odd answers that Go reads',
    act: (world) => rewriteAnswers(world, ODD),
    allowed: [],
  },
];
