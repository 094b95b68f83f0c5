/** The worker thread that parses a large config.toml: one file, one answer. */
import { parentPort, workerData } from 'node:worker_threads';

import type { ParseRequest } from './parse-in-worker.ts';
import { serializeSecrets } from './parse-in-worker.ts';
import { readRunnerText } from './runner-config.ts';

const { bytes, file, toml } = workerData as ParseRequest;
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port has no origin
parentPort?.postMessage(serializeSecrets(readRunnerText(bytes, file, toml)));
