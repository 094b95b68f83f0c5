/**
 * `runnerwatch lint [PATH]`: what is wrong in this config.toml, and what should be written instead? For the file that
 * a runner on this host uses, the rules also read files, process and host; for any other file only the text, and
 * the report lists the rules that were not checked.
 */
import { readFile, realpath } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

import { systemClock } from '../core/clock.ts';
import { errnoText } from '../core/errno.ts';
import type { LintReport } from '../core/lint.ts';
import { HOST_PATHS } from '../core/paths.ts';
import { PlaceFinder } from '../discovery/place.ts';
import { readUnitEnvironment } from '../host/net/proxy-settings.ts';
import { SYSTEM_DIRECTORY, usualConfigs } from '../host/place/runner-files.ts';
import { findRunnerProcesses } from '../host/proc/runner-process.ts';
import { codeQualityOf } from '../lint/code-quality.ts';
import { reportWithFiles } from '../lint/file-reader.ts';
import { hostContext } from '../lint/host-context.ts';
import type { Prepared } from '../lint/lint.ts';
import { prepare, reportOf, textOf } from '../lint/lint.ts';
import { lintReportText } from '../lint/text.ts';
import type { Invocation } from './command-line.ts';
import { switchFlag, textFlag } from './command-line.ts';
import { fixFile } from './lint-fix.ts';

/** That of a runner that root runs. */
const DEFAULT_PATH = join(SYSTEM_DIRECTORY, 'config.toml');
const EXIT_OK = 0;
const EXIT_ERRORS = 1;
const EXIT_UNREADABLE = 2;

export async function lint(invocation: Invocation): Promise<number> {
  const path = invocation.positionals[0] ?? DEFAULT_PATH;
  const content = await contentOf(path);
  if (typeof content === 'string') {
    process.stderr.write(
      `runnerwatch: ${path} cannot be read (${content}); check the path and its permissions\n`,
    );
    return EXIT_UNREADABLE;
  }
  const isInput = path === '-';
  const prepared = prepare(content, isInput ? 'standard input' : path);
  const ownPath = isInput ? undefined : path;
  if (switchFlag(invocation, 'fix') || switchFlag(invocation, 'write')) {
    return await fixFile(content, prepared, {
      path: ownPath,
      write: switchFlag(invocation, 'write'),
    });
  }
  const report = await reportFor(prepared, ownPath);
  process.stdout.write(`${renderReport(report, content, textFlag(invocation, 'format'))}\n`);
  return exitCodeOf(report, switchFlag(invocation, 'strict'));
}

/** The bytes of the file, or of standard input for `-`; a string is the reason why they cannot be read. */
async function contentOf(path: string): Promise<Buffer | string> {
  try {
    if (path !== '-') return await readFile(path);
    const chunks: Buffer[] = [];
    for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk as Uint8Array));
    return Buffer.concat(chunks);
  } catch (error) {
    return errnoText(error);
  }
}

function renderReport(report: LintReport, content: Buffer, format: string | undefined): string {
  if (format === 'json') return JSON.stringify({ schema: 1, ...report }, undefined, 2);
  if (format === 'codequality') return JSON.stringify(codeQualityOf(report), undefined, 2);
  const colour = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
  return lintReportText(report, textOf(content).split('\n'), { colour });
}

function exitCodeOf({ findings, judged }: LintReport, isStrict: boolean): number {
  if (!judged) return EXIT_UNREADABLE;
  const counted = isStrict ? ['error', 'warning'] : ['error'];
  return findings.some(({ severity }) => counted.includes(severity)) ? EXIT_ERRORS : EXIT_OK;
}

/** Judges a file; `path` is absent for standard input. */
export async function reportFor(prepared: Prepared, path: string | undefined): Promise<LintReport> {
  const realPath = path === undefined ? undefined : await realpath(path).catch(() => undefined);
  if (realPath === undefined) return reportOf(prepared, { now: systemClock.wall() });
  const processes = await findRunnerProcesses(HOST_PATHS);
  const configPaths = await Promise.all(
    processes.map(async ({ configPath }) => await realpath(configPath).catch(() => configPath)),
  );
  const runner = processes.find((_, index) => configPaths[index] === realPath);
  if (runner === undefined && !(await isDefault(realPath))) {
    return reportOf(prepared, { now: systemClock.wall() });
  }
  const asked = { process: runner, configPath: realPath, logFile: undefined, paths: HOST_PATHS };
  const { unit } = await new PlaceFinder().find(asked);
  const unitEnvironment =
    runner !== undefined || unit === undefined
      ? undefined
      : await readUnitEnvironment(unit, HOST_PATHS);
  const question = { configPath: realPath, process: runner, unitEnvironment, unit };
  const context = await hostContext(question, HOST_PATHS, systemClock);
  return await reportWithFiles(prepared, context, HOST_PATHS);
}

/** A path that a runner of this host uses by default. */
async function isDefault(realPath: string): Promise<boolean> {
  const found = await Promise.all(
    usualConfigs(homedir()).map(async (path) => await realpath(path).catch(() => path)),
  );
  return found.includes(realPath);
}
