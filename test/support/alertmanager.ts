/** A real Alertmanager with a receiver of ours: `await using alertmanager = await startAlertmanager(config)`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { sendRequest } from './http-client.ts';
import { closedPort } from './tcp-server.ts';
import { until } from './until.ts';

const PROGRAM = '/usr/bin/prometheus-alertmanager';

export interface Notification {
  /** Path of the receiver: `/pager`. */
  readonly path: string;
  readonly status: 'firing' | 'resolved';
  readonly alerts: readonly {
    readonly status: 'firing' | 'resolved';
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  }[];
}

export interface AlertStatus {
  readonly labels: Readonly<Record<string, string>>;
  readonly status: { readonly state: 'active' | 'suppressed' | 'unprocessed' };
}

export interface Alertmanager extends AsyncDisposable {
  /** `host:port`, for Prometheus. */
  readonly address: string;
  /** What the receivers were sent, in order. */
  readonly notifications: readonly Notification[];
  /** Fires alerts with these labels, as Prometheus does. */
  tell(alerts: readonly Readonly<Record<string, string>>[]): Promise<void>;
  /** What it holds now, silenced or not. */
  alerts(): Promise<readonly AlertStatus[]>;
}

/**
 * `receivers` is the host:port of the webhooks in the configuration; it is replaced by the address of the test's
 * receiver.
 */
export async function startAlertmanager(config: string, receivers: string): Promise<Alertmanager> {
  if (!existsSync(PROGRAM))
    throw new Error('Alertmanager is missing: apt-get install prometheus-alertmanager');
  const receiver = await startReceiver();
  const folder = await mkdtemp(join(tmpdir(), 'runnerwatch-alertmanager-'));
  const address = `127.0.0.1:${await closedPort()}`;
  await writeFile(
    join(folder, 'alertmanager.yml'),
    config.replaceAll(receivers, `127.0.0.1:${receiver.port}`),
  );
  const child = spawn(
    PROGRAM,
    [
      `--config.file=${folder}/alertmanager.yml`,
      `--storage.path=${folder}/data`,
      `--web.listen-address=${address}`,
      // No cluster: one of its own, on no port.
      '--cluster.listen-address=',
      '--log.level=error',
    ],
    { stdio: 'ignore' },
  );
  const exited = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await exited;
    await receiver.stop();
    await rm(folder, { recursive: true, force: true });
  };
  const url = `http://${address}`;
  try {
    await until(
      async () => (await sendRequest(`${url}/-/ready`).catch(() => undefined))?.status === 200,
    );
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    address,
    notifications: receiver.notifications,
    tell: async (alerts) => {
      const body = JSON.stringify(alerts.map((labels) => ({ labels })));
      const headers = { 'Content-Type': 'application/json' };
      const { status, text } = await sendRequest(`${url}/api/v2/alerts`, {
        method: 'POST',
        headers,
        body,
      });
      if (status !== 200) throw new Error(`Alertmanager refuses the alerts: ${text}`);
    },
    alerts: async () =>
      JSON.parse((await sendRequest(`${url}/api/v2/alerts`)).text) as readonly AlertStatus[],
    [Symbol.asyncDispose]: stop,
  };
}

async function startReceiver() {
  const notifications: Notification[] = [];
  const server = createServer((request, response) => void take(request, response, notifications));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    notifications,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function take(
  request: IncomingMessage,
  response: ServerResponse,
  notifications: Notification[],
): Promise<void> {
  const received = JSON.parse(await bodyOf(request)) as Notification;
  notifications.push({ ...received, path: request.url ?? '' });
  response.end();
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
