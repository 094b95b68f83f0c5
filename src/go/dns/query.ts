/**
 * One query to one name server, as Go's resolver sends it: UDP, then TCP when the answer was truncated.
 *
 * Node's own client is not used: it cannot use TCP only, it reports a missing route as "refused", and its timeouts
 * were measured at eight times the configured value. These sockets take no thread-pool slot.
 */
import { randomInt } from 'node:crypto';
import { isIPv6 } from 'node:net';

import { DeadlineError, deadlineOf, withSignal } from '../../core/abort.ts';
import type { Clock } from '../../core/clock.ts';
import { errnoText } from '../../core/errno.ts';
import type { Outcome, Query, RecordType } from '../../core/lookup.ts';
import { newTcpSocket, newUdpSocket } from '../../host/net/network.ts';
import type { Reply } from './message.ts';
import { questionBytes, readReply } from './message.ts';

export interface Question {
  readonly name: string;
  readonly server: string;
  readonly port: number;
  readonly type: RecordType;
  readonly timeoutSeconds: number;
  /** `options use-vc`: TCP from the start. */
  readonly useTcp?: boolean;
  /** Announces EDNS, which Go does by default. */
  readonly edns?: boolean;
}

const ERRNO_OUTCOMES: Readonly<Record<string, Outcome>> = {
  ECONNREFUSED: 'connection-refused',
  ENETUNREACH: 'no-route',
  ENETDOWN: 'no-route',
  EADDRNOTAVAIL: 'no-route',
  EAFNOSUPPORT: 'no-route',
  // Of a route of kind blackhole.
  EINVAL: 'no-route',
  EHOSTUNREACH: 'unreachable',
  // The result of a datagram that an output rule drops.
  EPERM: 'prohibited',
  ETIMEDOUT: 'timeout',
  ECONNRESET: 'malformed',
  EPIPE: 'malformed',
};

/** Sends one query. A deadline in `signal` is a timeout; it rejects only when `signal` aborts for another reason. */
export async function sendQuery(
  question: Question,
  clock: Clock,
  signal: AbortSignal,
): Promise<Query> {
  const start = clock.seconds();
  const { name, server, type, useTcp = false } = question;
  let transport: Query['transport'] = useTcp ? 'tcp' : 'udp';
  let end = await exchange(question, transport, signal);
  if (transport === 'udp' && end.isTruncated) {
    transport = 'tcp';
    end = await exchange(question, transport, signal);
  }
  const { outcome, addresses } = end;
  return { name, server, type, transport, outcome, addresses, seconds: clock.seconds() - start };
}

interface QueryResult extends Omit<Reply, 'verdict'> {
  readonly outcome: Outcome;
}

/** Each of the two conversations has the whole timeout for itself, as in Go. */
async function exchange(
  question: Question,
  transport: Query['transport'],
  signal: AbortSignal,
): Promise<QueryResult> {
  using deadline = deadlineOf(question.timeoutSeconds, signal);
  const id = randomInt(65_536);
  try {
    using talk = transport === 'udp' ? queryUdp(question, id) : queryTcp(question, id);
    const { verdict, ...rest } = await withSignal(talk.reply, deadline.signal);
    return { outcome: verdict, ...rest };
  } catch (error) {
    if (error instanceof DeadlineError) return emptyResult('timeout');
    if (signal.aborted) throw error;
    return emptyResult(ERRNO_OUTCOMES[errnoText(error)] ?? 'local-error');
  }
}

function emptyResult(outcome: Outcome): QueryResult {
  return { outcome, isTruncated: false, addresses: [] };
}

interface Conversation extends Disposable {
  readonly reply: Promise<Reply>;
}

function queryUdp({ name, server, port, type, edns }: Question, id: number): Conversation {
  const { promise: reply, resolve, reject } = Promise.withResolvers<Reply>();
  const socket = newUdpSocket(isIPv6(server) ? 6 : 4);
  socket.on('error', reject);
  socket.on('message', (bytes) => {
    const read = readReply(bytes, { id, name, type });
    if (read !== undefined) resolve(read);
  });
  socket.once('connect', () =>
    socket.send(questionBytes(id, name, type, edns), (error) => {
      if (error !== null) reject(error);
    }),
  );
  socket.connect(port, server);
  return { reply, [Symbol.dispose]: () => socket.close() };
}

function queryTcp({ name, server, port, type, edns }: Question, id: number): Conversation {
  const { promise: reply, resolve, reject } = Promise.withResolvers<Reply>();
  const malformed: Reply = { verdict: 'malformed', isTruncated: false, addresses: [] };
  let bytes = Buffer.alloc(0);
  const socket = newTcpSocket(isIPv6(server) ? 6 : 4).connect({ host: server, port });
  socket.on('error', reject);
  socket.on('close', () => resolve(malformed));
  socket.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    const length = bytes.length < 2 ? Infinity : bytes.readUInt16BE(0);
    if (bytes.length - 2 < length) return;
    resolve(readReply(bytes.subarray(2, 2 + length), { id, name, type }) ?? malformed);
  });
  socket.once('connect', () => {
    const question = questionBytes(id, name, type, edns);
    socket.write(
      Buffer.concat([Buffer.from([question.length >> 8, question.length & 0xff]), question]),
    );
  });
  return { reply, [Symbol.dispose]: () => socket.destroy() };
}
