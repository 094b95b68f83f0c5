/**
 * The process that lints for the daemon: parsing a large file takes longer than the event loop may be held, and
 * the files that rules read may be on a mount that hangs. It reads one request and answers it.
 */
import { text } from 'node:stream/consumers';

import { systemClock } from '../core/clock.ts';
import { reportWithFiles } from './file-reader.ts';
import type { LintRequest } from './host-context.ts';
import { ANSWER_END, hostContext } from './host-context.ts';
import { prepare, reportOf } from './lint.ts';

const request = JSON.parse(await text(process.stdin)) as LintRequest;
const content = request.content === undefined ? undefined : Buffer.from(request.content, 'base64');
const prepared = prepare(content, request.configPath);
const context = await hostContext(request, request.paths, systemClock);
const report =
  request.withoutFiles === true
    ? reportOf(prepared, context)
    : await reportWithFiles(prepared, context, request.paths);
process.stdout.write(`${JSON.stringify(report)}${ANSWER_END}`);
