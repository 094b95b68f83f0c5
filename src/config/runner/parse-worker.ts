/** The worker thread that parses a large config.toml: one file, one answer. */
import { parentPort, workerData } from 'node:worker_threads';

import { serializeSecrets } from './parse-in-worker.ts';
import { readRunnerText } from './runner-config.ts';

const { bytes, file } = workerData as { readonly bytes: Uint8Array; readonly file: string };
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port has no origin
parentPort?.postMessage(serializeSecrets(readRunnerText(bytes, file)));
