/** A scripted name server on loopback (UDP), and a root folder whose files point to it. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { decode, encode } from 'dns-packet';
import type { Answer } from 'dns-packet';

import type { Paths } from '../../src/core/paths.ts';

/** Addresses are an answer; an empty list is "no data". */
export type Said =
  | readonly string[]
  | 'nxdomain'
  | 'servfail'
  | 'refused'
  | 'notimp'
  | 'silent'
  | 'garbage';

export type Script = (name: string, type: 'A' | 'AAAA') => Said;

export interface DnsServer extends AsyncDisposable {
  readonly port: number;
  /** `A gitlab.test`, in the order in which they came. */
  readonly asked: readonly string[];
}

const CODES: Readonly<Record<string, number>> = { servfail: 2, nxdomain: 3, notimp: 4, refused: 5 };

/** Several servers of one resolv.conf share a port and differ in their address: 127.0.0.1, 127.0.0.2, … */
export async function startDnsServer(
  script: Script,
  address = '127.0.0.1',
  port = 0,
): Promise<DnsServer> {
  const asked: string[] = [];
  const socket = createSocket('udp4');
  socket.on('message', (message, from) => {
    const query = decode(message);
    const question = query.questions?.[0];
    if (question === undefined || (question.type !== 'A' && question.type !== 'AAAA')) return;
    asked.push(`${question.type} ${question.name}`);
    const { name, type } = question;
    const said = script(name.toLowerCase(), type);
    if (said === 'silent') return;
    const reply =
      said === 'garbage'
        ? Buffer.from('no DNS at all')
        : replyTo(query.id ?? 0, { name, type }, said);
    socket.send(reply, from.port, from.address);
  });
  socket.bind(port, address);
  await once(socket, 'listening');
  return {
    port: socket.address().port,
    asked,
    [Symbol.asyncDispose]: async () => {
      socket.close();
      await once(socket, 'close');
    },
  };
}

function replyTo(
  id: number,
  question: { readonly name: string; readonly type: 'A' | 'AAAA' },
  said: Exclude<Said, 'silent' | 'garbage'>,
): Buffer {
  const addresses = typeof said === 'string' ? [] : said;
  const code = typeof said === 'string' ? (CODES[said] ?? 0) : 0;
  const answers = addresses.map((data): Answer => ({
    name: question.name,
    type: question.type,
    ttl: 0,
    data,
  }));
  return encode({ type: 'response', id, flags: 0x180 | code, questions: [question], answers });
}

/** A port of 127.0.0.1 on which nothing listens for UDP. */
export async function closedUdpPort(): Promise<number> {
  await using server = await startDnsServer(() => 'silent');
  return server.port;
}

export interface RootFolder extends AsyncDisposable {
  readonly paths: Paths;
}

/** A folder that stands for `/`, with these files in it: `{ '/etc/hosts': '…' }`. */
export async function rootFolder(files: Readonly<Record<string, string>>): Promise<RootFolder> {
  const rootfs = await mkdtemp(join(tmpdir(), 'runnerwatch-root-'));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(rootfs, path)), { recursive: true });
    await writeFile(join(rootfs, path), text);
  }
  return {
    paths: { rootfs, procfs: join(rootfs, 'proc'), sysfs: join(rootfs, 'sys') },
    [Symbol.asyncDispose]: () => rm(rootfs, { recursive: true, force: true }),
  };
}
