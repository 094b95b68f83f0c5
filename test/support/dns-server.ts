/** A scripted name server on loopback (UDP and TCP), and a root folder whose files point to it. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { createServer, isIPv6 } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { decode, encode } from 'dns-packet';
import type { Answer } from 'dns-packet';

import type { Paths } from '../../src/core/paths.ts';

/** Addresses are an answer, an empty list is "no data", `truncated` has the TC flag, `close` ends a connection. */
export type DnsReply =
  | readonly string[]
  | 'nxdomain'
  | 'servfail'
  | 'refused'
  | 'notimp'
  | 'silent'
  | 'truncated'
  | 'lame'
  | 'close'
  | 'garbage';

export type Transport = 'udp' | 'tcp';
export type Script = (
  name: string,
  type: 'A' | 'AAAA',
  transport: Transport,
  hasEdns?: boolean,
) => DnsReply;

export interface DnsServer extends AsyncDisposable {
  readonly port: number;
  /** `A gitlab.test` or `A gitlab.test over tcp`, in the order in which they came. */
  readonly asked: readonly string[];
}

const CODES: Readonly<Record<string, number>> = { servfail: 2, nxdomain: 3, notimp: 4, refused: 5 };
/** The flags of a recursive reply to a recursive query. */
const RESPONSE_FLAGS = 0x180;
const TRUNCATED_FLAG = 0x200;

/** Several servers of one resolv.conf share a port and differ in their address: 127.0.0.1, 127.0.0.2, … */
export async function startDnsServer(
  script: Script,
  address = '127.0.0.1',
  port = 0,
): Promise<DnsServer> {
  const asked: string[] = [];
  const answer = (message: Buffer, transport: Transport): Buffer | undefined => {
    const query = decode(message);
    const question = query.questions?.[0];
    if (question === undefined || (question.type !== 'A' && question.type !== 'AAAA')) return;
    const { name, type } = question;
    asked.push(`${type} ${name}${transport === 'tcp' ? ' over tcp' : ''}`);
    const hasEdns = query.additionals?.some((record) => record.type === 'OPT') === true;
    const answer = script(name.toLowerCase(), type, transport, hasEdns);
    if (answer === 'silent') return;
    if (answer === 'close') return Buffer.alloc(0);
    if (answer === 'garbage') return Buffer.from('no DNS at all');
    return replyTo(query.id ?? 0, { name, type }, answer);
  };
  await using stack = new AsyncDisposableStack();
  const socket = await bindUdp(address, port, (message) => answer(message, 'udp'));
  stack.defer(async () => {
    socket.close();
    await once(socket, 'close');
  });
  const bound = socket.address().port;
  const tcp = await listenTcp(address, bound, (message) => answer(message, 'tcp'));
  if (tcp === undefined && port === 0) return await startDnsServer(script, address);
  if (tcp !== undefined) stack.use(tcp);
  const held = stack.move();
  return { port: bound, asked, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

type Answering = (message: Buffer) => Buffer | undefined;

async function bindUdp(
  address: string,
  port: number,
  answering: Answering,
): Promise<ReturnType<typeof createSocket>> {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  socket.on('message', (message, from) => {
    const reply = answering(message);
    if (reply !== undefined) socket.send(reply, from.port, from.address);
  });
  socket.bind(port, address);
  await once(socket, 'listening');
  return socket;
}

/** Undefined when another program holds this port for TCP. */
async function listenTcp(
  host: string,
  port: number,
  answering: Answering,
): Promise<AsyncDisposable | undefined> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      const reply = answering(chunk.subarray(2));
      if (reply === undefined) return;
      if (reply.length === 0) return void socket.end();
      const length = Buffer.alloc(2);
      length.writeUInt16BE(reply.length);
      // In two pieces, so that a client fails that takes the first one for the whole reply.
      socket.write(length, () => socket.write(reply));
    });
  });
  const listening = once(server, 'listening');
  server.listen(port, host);
  try {
    await listening;
  } catch {
    return undefined;
  }
  return {
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function replyTo(
  id: number,
  question: { readonly name: string; readonly type: 'A' | 'AAAA' },
  answer: Exclude<DnsReply, 'silent' | 'garbage' | 'close'>,
): Buffer {
  if (answer === 'lame') return encode({ type: 'response', id, flags: 0, questions: [question] });
  const addresses = typeof answer === 'string' ? [] : answer;
  const code = typeof answer === 'string' ? (CODES[answer] ?? 0) : 0;
  const flags = RESPONSE_FLAGS | code | (answer === 'truncated' ? TRUNCATED_FLAG : 0);
  const answers = addresses.map((data): Answer => ({
    name: question.name,
    type: question.type,
    ttl: 0,
    data,
  }));
  return encode({ type: 'response', id, flags, questions: [question], answers });
}

/** A port of 127.0.0.1 on which nothing listens for UDP. */
export async function closedUdpPort(): Promise<number> {
  await using server = await startDnsServer(() => 'silent');
  return server.port;
}

export interface RootFolder extends AsyncDisposable {
  readonly paths: Paths;
}

/** A folder that is used as `/`, with these files in it: `{ '/etc/hosts': '…' }`. */
export async function rootFolder(
  files: Readonly<Record<string, string | Buffer>>,
): Promise<RootFolder> {
  const rootfs = await mkdtemp(join(tmpdir(), 'runnerwatch-root-'));
  await writeFiles(rootfs, files);
  return {
    paths: { rootfs, procfs: join(rootfs, 'proc'), sysfs: join(rootfs, 'sys') },
    [Symbol.asyncDispose]: () => rm(rootfs, { recursive: true, force: true }),
  };
}

/** Below a folder, with the folders that they need. */
export async function writeFiles(
  rootfs: string,
  files: Readonly<Record<string, string | Buffer>>,
): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(rootfs, path)), { recursive: true });
    await writeFile(join(rootfs, path), text);
  }
}
