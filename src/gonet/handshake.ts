/**
 * Does the TLS handshake that the runner would make succeed, and what did the server show?
 *
 * Go's parameters from trust.ts, no ALPN, the name without a trailing dot and none for an address. Node
 * accepts any chain here; verify.ts is the judge. A server that wants a client certificate may say so only
 * after the handshake (TLS 1.3): `alertOf` reads that from the later error.
 */
import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { isIP } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { connect } from 'node:tls';

import type { Instant } from '../core/clock.ts';
import { errnoText, isErrno } from '../core/errno.ts';
import type { Trust } from './trust.ts';
import type { CertificateProblem } from './verify.ts';
import { verifyLikeGo } from './verify.ts';

export interface Shown {
  readonly sent: readonly X509Certificate[];
  readonly protocol: string;
  readonly cipher: string;
}

export type Handshake =
  | { readonly kind: 'secured'; readonly socket: TLSSocket; readonly shown: Shown }
  | {
      readonly kind: 'refused-by-us';
      readonly problems: readonly [CertificateProblem, ...CertificateProblem[]];
      readonly shown: Shown;
    }
  | { readonly kind: 'alert'; readonly alert: number }
  | { readonly kind: 'plaintext' | 'reset' | 'closed' | 'timeout' }
  | { readonly kind: 'error'; readonly text: string };

export interface HandshakeRequest {
  readonly host: string;
  readonly trust: Trust;
  readonly now: Instant;
  readonly signal: AbortSignal;
}

/** Never rejects. On anything but `secured` the socket is destroyed. */
export async function handshakeLikeGo(
  socket: Socket,
  request: HandshakeRequest,
): Promise<Handshake> {
  const { host, trust, now, signal } = request;
  const ended = await secure(socket, host, trust, signal);
  if (!('socket' in ended)) return ended;
  const shown = shownBy(ended.socket);
  const [first, ...rest] = verifyLikeGo({ sent: shown.sent, anchors: trust.anchors, host, now });
  if (first === undefined) return { kind: 'secured', socket: ended.socket, shown };
  ended.socket.destroy();
  return { kind: 'refused-by-us', problems: [first, ...rest], shown };
}

type Failure = Exclude<Handshake, { kind: 'secured' | 'refused-by-us' }>;

async function secure(
  socket: Socket,
  host: string,
  trust: Trust,
  signal: AbortSignal,
): Promise<Failure | { readonly socket: TLSSocket }> {
  const { promise, resolve } = Promise.withResolvers<Failure | { socket: TLSSocket }>();
  const name = host.replace(/\.$/, '');
  const secured = connect({
    socket,
    secureContext: trust.context,
    rejectUnauthorized: false,
    ...(isIP(name) === 0 ? { servername: name } : {}),
  });
  // Stays for the socket's life: one that dies between two links must not end the process.
  secured.on('error', (error) => resolve(failureOf(error)));
  secured.once('secureConnect', () => resolve({ socket: secured }));
  secured.once('close', () => resolve({ kind: 'closed' }));
  const onAbort = (): void => resolve({ kind: 'timeout' });
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  const ended = await promise;
  signal.removeEventListener('abort', onAbort);
  if (!('socket' in ended)) secured.destroy();
  return ended;
}

function failureOf(error: Error): Failure {
  const alert = alertOf(error);
  if (alert !== undefined) return { kind: 'alert', alert };
  const code = isErrno(error) ? (error.code ?? '') : '';
  if (/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST/.test(code))
    return { kind: 'plaintext' };
  if (code !== 'ECONNRESET') return { kind: 'error', text: errnoText(error) };
  // Node gives its own "disconnected before secure TLS connection" the code of a reset, without a syscall.
  return { kind: isErrno(error) && error.syscall === 'read' ? 'reset' : 'closed' };
}

/** The number of the TLS alert inside an error, in whatever form Node wraps it. */
export function alertOf(error: unknown): number | undefined {
  const text = error instanceof Error ? error.message : '';
  const match = /SSL alert number (?<alert>\d+)/.exec(text);
  return match?.groups === undefined ? undefined : Number(match.groups['alert']);
}

/** Certificates as sent, in the order of the server. */
function shownBy(socket: TLSSocket): Shown {
  const sent: X509Certificate[] = [];
  let next = socket.getPeerX509Certificate();
  while (
    next !== undefined &&
    !sent.some((known) => known.fingerprint256 === next?.fingerprint256)
  ) {
    sent.push(next);
    next = next.issuerCertificate;
  }
  return { sent, protocol: socket.getProtocol() ?? '', cipher: socket.getCipher().name };
}
