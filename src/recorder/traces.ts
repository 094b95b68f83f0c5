/**
 * The things that could have changed just before a fault, each as a short text that changes with the thing: files by
 * digest, routes and names by value. None contains a secret.
 */
import { join } from 'node:path';

import type { Snapshot } from '../core/check.ts';
import type { RunnerContext } from '../core/host-context.ts';
import { allEndpoints } from '../core/host-context.ts';
import type { Paths } from '../core/paths.ts';
import { inRoot } from '../core/paths.ts';
import { printable } from '../core/printable.ts';
import type { Excerpt, FileTrace } from '../host/fs/file-trace.ts';
import { FileTraces, programTrace } from '../host/fs/file-trace.ts';
import { readRouteLines } from '../host/net/route-lines.ts';
import { PROGRAM_PATHS } from '../host/proc/runner-program.ts';
import { withoutLogin } from './redaction.ts';

/** By name of the thing; absent while it is not known. */
export type Traces = ReadonlyMap<string, FileTrace>;

const SYSTEM_BUNDLES = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt'];
const PROXY_VARIABLE = /^(?:https?|no|all)_proxy$/i;
const MAX_CHARACTERS = 300;
const MAX_ROUTES = 8;

export class TraceReader {
  readonly #paths: Paths;
  readonly #files: FileTraces;

  constructor(paths: Paths) {
    this.#paths = paths;
    this.#files = new FileTraces(paths);
  }

  async read(snapshot: Snapshot): Promise<Traces> {
    const found: Trace[] = [];
    // One after the other: a file system that hangs may keep one thread of the pool, and not all.
    for (const [path, excerpt] of filesOf(snapshot)) {
      found.push([path, await this.#files.read(path, excerpt)]);
    }
    found.push(await program(this.#paths), await routes(this.#paths));
    const { contexts } = snapshot.hostContext;
    found.push(...contexts.flatMap((context, index) => processTraces(context, index)));
    found.push(...certificateTraces(snapshot));
    return new Map(
      found.flatMap(([what, trace]) =>
        trace === undefined ? [] : [[printable(what), traceText(trace)]],
      ),
    );
  }
}

type Trace = readonly [what: string, found: FileTrace | string | undefined];

/** With how each is shown beside its digest. Those on the root file system first. */
function filesOf(snapshot: Snapshot): readonly (readonly [path: string, excerpt?: Excerpt])[] {
  const hosts = allEndpoints(snapshot.hostContext).map(({ url }) => url.hostname.toLowerCase());
  return [
    ['/etc/resolv.conf', settingsOf],
    ['/etc/hosts', (text) => linesOf(text, hosts)],
    ['/etc/nsswitch.conf', (text) => /^hosts:.*$/m.exec(text)?.[0] ?? ''],
    ...snapshot.hostContext.contexts.map(({ configPath }): [string] => [configPath]),
    ...bundlesOf(snapshot).map((path): [string] => [path]),
  ];
}

/** The system's bundle and every file that an endpoint trusts or shows. */
function bundlesOf({ hostContext }: Snapshot): readonly string[] {
  const own = allEndpoints(hostContext).flatMap(({ trust, url }) => [
    trust.caFile ?? join(trust.certsDirectory, `${trust.certsHost ?? url.hostname}.crt`),
    ...(trust.certFile === undefined ? [] : [trust.certFile]),
    ...(trust.systemFile === undefined ? [] : [trust.systemFile]),
  ]);
  return [...new Set([...SYSTEM_BUNDLES, ...own])];
}

/** `nameserver 10.0.0.2; search example.com`. */
function settingsOf(text: string): string {
  const lines = text.split('\n').map((line) => line.trim());
  return lines.filter((line) => /^[a-z]/.test(line)).join('; ');
}

/** The lines of a hosts file that name one of these hosts. */
function linesOf(text: string, hosts: readonly string[]): string {
  const lines = text.split('\n').map((line) => line.replace(/#.*/, '').trim());
  return lines
    .filter((line) => line.split(/\s+/).some((word) => hosts.includes(word.toLowerCase())))
    .join('; ');
}

async function routes(paths: Paths): Promise<Trace> {
  const lines = await readRouteLines(paths);
  if (lines === undefined) return ['routes', undefined];
  const more = lines.length > MAX_ROUTES ? `; and ${lines.length - MAX_ROUTES} more` : '';
  return ['routes', `${lines.slice(0, MAX_ROUTES).join('; ') || 'none'}${more}`];
}

async function program(paths: Paths): Promise<Trace> {
  for (const path of PROGRAM_PATHS) {
    const text = await programTrace(inRoot(paths, path));
    if (text !== undefined) return [path, text];
  }
  return [PROGRAM_PATHS[0] ?? '', undefined];
}

function processTraces(
  { process: runner, place }: RunnerContext,
  /** Of the installation on this host. */
  index: number,
): readonly Trace[] {
  const of = index === 0 ? '' : ` of ${place.id}`;
  if (runner === undefined) return [[`runner process${of}`, 'none']];
  const { pid, environment } = runner;
  // Not its start time: the kernel recomputes it after every step of the clock.
  const process: Trace = [`runner process${of}`, `pid ${pid}`];
  if (environment === undefined) return [process];
  const proxies = Object.entries(environment)
    .filter(([name]) => PROXY_VARIABLE.test(name))
    .map(([name, value]) => `${name}=${withoutLogin(value)}`);
  return [
    process,
    [`proxy environment of the runner${of}`, proxies.toSorted().join(' ') || 'none'],
  ];
}

/** The certificate that each GitLab, or the proxy in front of it, sent last. */
function certificateTraces({ checks }: Snapshot): readonly Trace[] {
  return checks.flatMap(({ check, finding }): readonly Trace[] => {
    const { serial, not_after: end } = finding.facts ?? {};
    if (serial === undefined) return [];
    return [[`certificate of ${check.target.id}`, `serial ${serial}, ends ${end ?? 'unknown'}`]];
  });
}

function traceText(found: FileTrace | string): FileTrace {
  const trace = typeof found === 'string' ? { text: found } : found;
  const text = printable(trace.text);
  const isLong = text.length > MAX_CHARACTERS;
  return { ...trace, text: isLong ? `${text.slice(0, MAX_CHARACTERS)}…` : text };
}
