/**
 * The process that lints for the daemon: parsing a large file takes longer than the event loop may be held, and
 * the files that the rules look at may lie on a mount that hangs. It reads one order and answers it.
 */
import { text } from 'node:stream/consumers';

import { systemClock } from '../core/clock.ts';
import { reportWithFiles } from './file-reader.ts';
import type { LintRequest } from './host-context.ts';
import { hostContext } from './host-context.ts';
import { prepare } from './lint.ts';

const order = JSON.parse(await text(process.stdin)) as LintRequest;
const content = order.content === undefined ? undefined : Buffer.from(order.content, 'base64');
const prepared = prepare(content, order.configPath);
const context = await hostContext(order, order.paths, systemClock);
const report = await reportWithFiles(prepared, context, order.paths);
process.stdout.write(JSON.stringify(report));
