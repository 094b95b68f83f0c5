/**
 * The things that could have changed just before a fault, each as a short text that changes with the thing: files by
 * digest, routes and names by value. None contains a secret.
 */
import { join } from 'node:path';

import type { ChangedLine, ChangeKind } from '../core/change.ts';
import type { Snapshot } from '../core/check.ts';
import type { RunnerContext } from '../core/host-context.ts';
import { allEndpoints } from '../core/host-context.ts';
import type { Paths } from '../core/paths.ts';
import { printable } from '../core/printable.ts';
import type { EndpointTarget } from '../core/target.ts';
import type { Excerpt } from '../host/fs/file-trace.ts';
import { digestOf, FileTraces, programTrace } from '../host/fs/file-trace.ts';
import { readRouteLines } from '../host/net/route-lines.ts';
import { PROGRAM_PATHS } from '../host/proc/runner-program.ts';
import { readUnitFiles } from '../host/systemd/unit-files.ts';
import type { Trace } from './trace.ts';
import {
  certificateLines,
  configLines,
  hostsLines,
  nameServiceLines,
  proxyLines,
  resolverLines,
} from './trace-lines.ts';

/** By name of the thing; absent while it is not known. */
export type Traces = ReadonlyMap<string, Trace>;

const SYSTEM_BUNDLES = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt'];
const ENGINE_SETTINGS = '/etc/docker/daemon.json';
const MAX_CHARACTERS = 300;
const MAX_LINES = 200;
const MAX_SHOWN_ROUTES = 8;

type NamedTrace = readonly [what: string, trace: Trace];

interface PlaceOrder {
  /** Names of GitLab and of proxies, of all places. */
  readonly hosts: readonly string[];
  readonly isFirst: boolean;
  /** Another place has the same files. */
  readonly isSeenBefore: boolean;
}

/** A file to look at, in the tree of the place where it belongs. */
interface WatchedFile {
  readonly path: string;
  readonly kind: ChangeKind;
  readonly excerpt?: Excerpt<ChangedLine>;
  /** Its lines stand beside its digest. */
  readonly isShown?: boolean;
  readonly isOrdered?: boolean;
}

export class TraceReader {
  readonly #paths: Paths;
  readonly #files = new FileTraces<ChangedLine>();

  constructor(paths: Paths) {
    this.#paths = paths;
  }

  async read(snapshot: Snapshot): Promise<Traces> {
    const found: NamedTrace[] = [];
    const { contexts } = snapshot.hostContext;
    const hosts = allEndpoints(snapshot.hostContext).flatMap((endpoint) => hostsOf(endpoint));
    // One after the other: a file system that hangs may keep one thread of the pool, and not all.
    for (const [index, context] of contexts.entries()) {
      // What ended with its container has not been changed.
      if (context.place.isThere?.() === false) continue;
      const isSeenBefore = contexts
        .slice(0, index)
        .some(({ place }) => place.paths.rootfs === rootOf(context));
      found.push(...(await this.#filesOf(context, { hosts, isFirst: index === 0, isSeenBefore })));
      found.push(...(await unitTraces(context)), ...processTraces(context, index));
    }
    found.push(...(await program(this.#paths)), ...(await routes(this.#paths)));
    found.push(...certificateTraces(snapshot));
    return new Map(found.map(([what, trace]) => [printable(what), printableTrace(trace)]));
  }

  async #filesOf(
    context: RunnerContext,
    { hosts, isFirst, isSeenBefore }: PlaceOrder,
  ): Promise<readonly NamedTrace[]> {
    const { place } = context;
    // The first place is that of the host, unless its runner lives elsewhere.
    const isElsewhere = rootOf(context) !== this.#paths.rootfs;
    const paths = isElsewhere ? place.paths : this.#paths;
    const own: NamedTrace[] = [];
    const files = [...(isSeenBefore ? [] : sharedFilesOf(hosts)), ...ownFilesOf(context)];
    for (const file of files) {
      const trace = await this.#read(paths, file);
      const what = isElsewhere && !isFirst ? `${file.path} of ${place.id}` : file.path;
      own.push([what, isElsewhere || !isFirst ? { ...trace, place: place.id } : trace]);
    }
    return own;
  }

  async #read(paths: Paths, file: WatchedFile): Promise<Trace> {
    const { path, kind, excerpt, isShown, isOrdered } = file;
    const { text, lines, link, changedAt } = await this.#files.read(paths, path, excerpt);
    return {
      kind,
      path,
      text,
      ...(lines.length === 0 ? {} : { lines: lines.slice(0, MAX_LINES) }),
      ...(lines.length > MAX_LINES ? { isCut: true } : {}),
      ...(link === undefined ? {} : { link }),
      ...(changedAt === undefined ? {} : { changedAt }),
      ...(isShown === undefined ? {} : { isShown }),
      ...(isOrdered === undefined ? {} : { isOrdered }),
    };
  }
}

function rootOf({ place }: RunnerContext): string {
  return place.paths.rootfs;
}

/** Of a host or a container, for every runner in it. Those on the root file system first. */
function sharedFilesOf(hosts: readonly string[]): readonly WatchedFile[] {
  return [
    {
      path: '/etc/resolv.conf',
      kind: 'resolver',
      excerpt: resolverLines,
      isShown: true,
      isOrdered: true,
    },
    {
      path: '/etc/hosts',
      kind: 'hosts-file',
      excerpt: (text) => hostsLines(text, hosts),
      isShown: true,
    },
    { path: '/etc/nsswitch.conf', kind: 'name-services', excerpt: nameServiceLines, isShown: true },
    ...SYSTEM_BUNDLES.map((path) => ({ path, kind: 'system-certificates' as const })),
    { path: ENGINE_SETTINGS, kind: 'engine-settings' },
  ];
}

/** GitLab, and the proxy in front of it. */
function hostsOf({ url, proxy }: EndpointTarget): readonly string[] {
  const names = [url.hostname, ...(proxy.kind === 'proxy' ? [proxy.host] : [])];
  return names.map((name) => name.toLowerCase());
}

function ownFilesOf({ configPath, endpoints }: RunnerContext): readonly WatchedFile[] {
  const trust = endpoints.flatMap((endpoint) => trustFilesOf(endpoint));
  const byPath = new Map(trust.map((file) => [file.path, file]));
  return [{ path: configPath, kind: 'config', excerpt: configLines }, ...byPath.values()];
}

/** Every file that an endpoint trusts or shows. */
function trustFilesOf({ trust, url }: EndpointTarget): readonly WatchedFile[] {
  const { caFile, certsDirectory, certsHost, certFile, systemFile } = trust;
  const own = caFile ?? join(certsDirectory, `${certsHost ?? url.hostname}.crt`);
  return [
    certificateFile(own, 'ca-file'),
    ...(certFile === undefined ? [] : [certificateFile(certFile, 'client-certificate')]),
    ...(systemFile === undefined ? [] : [certificateFile(systemFile, 'system-certificates')]),
  ];
}

function certificateFile(path: string, kind: ChangeKind): WatchedFile {
  return { path, kind, excerpt: certificateLines };
}

async function routes(paths: Paths): Promise<readonly NamedTrace[]> {
  const lines = await readRouteLines(paths);
  if (lines === undefined) return [];
  const rest = lines.slice(MAX_SHOWN_ROUTES);
  const more = rest.length > 0 ? `; and ${rest.length} more (${digestOf(rest.join(';'))})` : '';
  const text = `${lines.slice(0, MAX_SHOWN_ROUTES).join('; ') || 'none'}${more}`;
  const all = lines.slice(0, MAX_LINES).map((line) => ({ text: line, key: line }));
  const isCut = lines.length > MAX_LINES ? { isCut: true } : {};
  return [['routes', { kind: 'routes', text, lines: all, ...isCut }]];
}

async function program(paths: Paths): Promise<readonly NamedTrace[]> {
  const texts = PROGRAM_PATHS.map(async (path) => await programTrace(path, paths));
  return (await Promise.all(texts)).map((text = 'absent', index) => {
    const path = PROGRAM_PATHS[index] ?? '';
    return [path, { kind: 'program', path, text }];
  });
}

/** The unit and its drop-ins, by their names and digests: a line of theirs may be secret. */
async function unitTraces({ place }: RunnerContext): Promise<readonly NamedTrace[]> {
  const { unit, id } = place;
  if (unit === undefined) return [];
  const lines = (await readUnitFiles(unit, place.paths)).map((file): ChangedLine => {
    const digest = digestOf(file.text);
    return { text: file.path, key: `${file.path} ${digest}` };
  });
  const all = digestOf(lines.map(({ key }) => key).join(';'));
  const text = lines.length === 0 ? 'absent' : `sha256 ${all}, ${lines.length} files`;
  return [[`unit ${unit}`, { kind: 'unit', place: id, text, lines }]];
}

function processTraces(
  { process: runner, place }: RunnerContext,
  /** Of the installation on this host. */
  index: number,
): readonly NamedTrace[] {
  const of = index === 0 ? '' : ` of ${place.id}`;
  const named = (text: string): NamedTrace => [
    `runner process${of}`,
    { kind: 'process', place: place.id, text },
  ];
  if (runner === undefined) return [named('none')];
  const { pid, environment } = runner;
  // Not its start time: the kernel recomputes it after every step of the clock.
  const process = named(`pid ${pid}`);
  if (environment === undefined) return [process];
  const lines = proxyLines(environment);
  const text = lines.map((line) => line.text).join(' ') || 'none';
  const proxies: Trace = { kind: 'proxy-environment', place: place.id, text, lines };
  return [process, [`proxy environment of the runner${of}`, proxies]];
}

/** The certificate that each GitLab, or the proxy in front of it, sent last. */
function certificateTraces({ checks, hostContext }: Snapshot): readonly NamedTrace[] {
  const ids = new Set(allEndpoints(hostContext).map(({ id }) => id));
  return checks.flatMap(({ check, finding }): readonly NamedTrace[] => {
    const { serial, not_after: end } = finding.facts ?? {};
    if (serial === undefined || !ids.has(check.target.id)) return [];
    const text = `serial ${serial}, ends ${end ?? 'unknown'}`;
    return [[`certificate of ${check.target.id}`, { kind: 'server-certificate', text }]];
  });
}

function printableTrace(trace: Trace): Trace {
  const text = printable(trace.text);
  const isLong = text.length > MAX_CHARACTERS;
  const { lines } = trace;
  return {
    ...trace,
    text: isLong ? `${text.slice(0, MAX_CHARACTERS)}…` : text,
    ...(lines === undefined
      ? {}
      : { lines: lines.map((line) => ({ ...line, text: printable(line.text) })) }),
  };
}
