/** Runs the tls probe against a port of loopback, with trust files in its own folder. */
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { systemClock } from '../../src/core/clock.ts';
import type { Finding } from '../../src/core/finding.ts';
import type { Paths } from '../../src/core/paths.ts';
import { HOST_PATHS } from '../../src/core/paths.ts';
import type { Walk } from '../../src/core/probe.ts';
import type { Credentials, RunnerProcess } from '../../src/core/reading.ts';
import type { TrustSource } from '../../src/core/target.ts';
import { PACKAGED_PLACE } from '../../src/host/place/packaged.ts';
import { TrustStore } from '../../src/go/tls/trust.ts';
import { createTls } from '../../src/probes/tls.ts';
import { ENDPOINT } from './probes.ts';
import { processOf } from './places.ts';
import { runProbe } from './run-probe.ts';

export const HOST = 'gitlab.test';
export const BUNDLE = '/etc/ssl/certs/ca-certificates.crt';
export const CERTS = '/etc/gitlab-runner/certs';

export interface TrustFolder extends AsyncDisposable {
  readonly paths: Paths;
  write(path: string, content: string | Buffer): Promise<void>;
}

/** A host's tree with nothing in it but these files. */
export async function trustFolder(
  files: Readonly<Record<string, string | Buffer>> = {},
): Promise<TrustFolder> {
  const rootfs = await mkdtemp(join(tmpdir(), 'runnerwatch-trust-'));
  const write = async (path: string, content: string | Buffer): Promise<void> => {
    await mkdir(dirname(join(rootfs, path)), { recursive: true });
    await writeFile(join(rootfs, path), content);
  };
  for (const [path, content] of Object.entries(files)) await write(path, content);
  return {
    paths: { ...HOST_PATHS, rootfs },
    write,
    [Symbol.asyncDispose]: async () => await rm(rootfs, { recursive: true }),
  };
}

export interface TlsProbeOptions {
  readonly port: number;
  readonly host?: string;
  readonly files?: Readonly<Record<string, string | Buffer>>;
  readonly trust?: Partial<TrustSource>;
  /** The user that reads the files of the runner; without it no rights are judged. */
  readonly credentials?: Credentials;
  /** The runner's process, in place of one with these credentials. */
  readonly process?: RunnerProcess;
  /** Changes modes or owners in the folder before it is read. */
  readonly prepare?: (rootfs: string) => Promise<void>;
  /** The host's clock, Unix milliseconds. */
  readonly now?: number;
  readonly signal?: AbortSignal;
  /** How long the handshake takes by the clock of the probe. */
  readonly handshakeSeconds?: number;
  /** Why the runner, and with it the trust of its image, is not visible. */
  readonly unseen?: string;
  /** Inspects the walk before its socket is closed. */
  readonly inspect?: (walk: Walk) => Promise<void>;
}

export async function probeTls(question: TlsProbeOptions): Promise<Finding> {
  const { port, host = HOST, files = {}, trust = {}, now, handshakeSeconds } = question;
  await using folder = await trustFolder(files);
  await question.prepare?.(folder.paths.rootfs);
  const socket = await dial(port);
  const walk: Walk = { socket, open: async () => await dial(port) };
  const url = new URL(`https://${host}:${port}/`);
  const target = {
    ...ENDPOINT,
    id: url.href,
    url,
    trust: { certsDirectory: CERTS, ...trust },
  };
  try {
    const finding = await runProbe(createTls(new TrustStore()), target, {
      tools: {
        walk,
        paths: folder.paths,
        process: question.process ?? processOf(question.credentials),
        ...(question.unseen === undefined
          ? {}
          : { place: { ...PACKAGED_PLACE, paths: folder.paths, unseen: question.unseen } }),
        ...(question.signal === undefined ? {} : { signal: question.signal }),
        clock: {
          wall: () => now ?? systemClock.wall(),
          seconds:
            handshakeSeconds === undefined ? () => systemClock.seconds() : jumps(handshakeSeconds),
        },
      },
    });
    await question.inspect?.(walk);
    return finding;
  } finally {
    walk.socket?.destroy();
  }
}

/** A clock that goes on by so much whenever it is read. */
function jumps(seconds: number): () => number {
  let now = 0;
  return () => (now += seconds);
}

export async function dial(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}
