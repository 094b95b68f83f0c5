/**
 * What is there to probe? Out of the runner's configuration, its process and the mount table.
 *
 * Entries that share base URL and trust files share one endpoint (the proxy follows from URL and
 * environment). Ids are stable across restarts: the base URL, the short token, the mount point.
 */
import type { Problem, RunnerConfigReading, RunnerProcess } from '../core/reading.ts';
import { Secret } from '../core/secret.ts';
import type {
  ConfigTarget,
  EndpointTarget,
  HostTarget,
  MountTarget,
  ProxyDecision,
  RunnerTarget,
  ServiceTarget,
  TrustSource,
} from '../core/target.ts';
import { shortToken } from '../gitlab/token.ts';
import { decideProxy } from '../gonet/proxy-decision.ts';
import type { Mount } from '../host/mounts.ts';
import type { ProxyHint } from '../host/proxy-settings.ts';
import { shownWord } from '../core/shown-word.ts';
import { baseUrlOf, shownUrl } from './base-url.ts';
import { blindProblem, unsetProblems, urlProblem } from './entry-problems.ts';
import type { Environment } from './expand.ts';
import { expandEnvironment } from './expand.ts';
import { asProcessSees, certsDirectoryOf } from './locate.ts';
import { mountTargetsOf } from './mount-targets.ts';
import { alternativesOf } from './proxy-alternatives.ts';
import type { RunnerDocument, RunnerEntry } from './runner-config.ts';

export interface TargetsQuestion {
  /** The last content that loaded. */
  readonly document: RunnerDocument | undefined;
  readonly reading: RunnerConfigReading;
  readonly process: RunnerProcess | undefined;
  readonly mounts: readonly Mount[];
  readonly unit: string;
  /** Of the user of this daemon. */
  readonly homeDirectory: string;
  readonly systemId: string | undefined;
  /** What systemd would give the runner at its next start; absent where there is no unit. */
  readonly unitEnvironment?: Environment;
  /** Proxies that somebody wrote down on this host. */
  readonly proxyHints?: readonly ProxyHint[];
}

export interface FoundTargets {
  readonly host: HostTarget;
  readonly config: ConfigTarget;
  readonly service: ServiceTarget;
  readonly mounts: readonly MountTarget[];
  readonly endpoints: readonly EndpointTarget[];
  readonly runners: readonly RunnerTarget[];
  /** Of single entries; they do not stop the file from loading. */
  readonly problems: readonly Problem[];
}

/** Every target of this host. */
export function targetsOf(question: TargetsQuestion): FoundTargets {
  const { document, reading, process, mounts, unit, systemId } = question;
  const resolved = withShortIds(
    (document?.runners ?? []).map((entry) => resolveEntry(entry, question)),
  );
  const ids = uniqueIds(resolved.map(({ id }) => id));
  return {
    host: { kind: 'host', id: 'host' },
    config: { kind: 'config', id: reading.path, reading },
    service: { kind: 'service', id: unit, configPath: reading.path },
    mounts: mountTargetsOf({ document, configPath: reading.path, process, mounts }),
    endpoints: distinctEndpoints(resolved),
    runners: resolved.map((item, index) => runnerTarget(item, ids[index] ?? item.id, systemId)),
    problems: resolved.flatMap(({ problems }) => problems),
  };
}

/** One entry with its url and token expanded. */
interface Resolved {
  readonly entry: RunnerEntry;
  readonly id: string;
  readonly token: Secret;
  readonly url: string;
  /** Absent when the url cannot be used. */
  readonly endpoint?: EndpointTarget;
  /** False when the token names variables that nobody could read: it must not be tried. */
  readonly isTokenKnown: boolean;
  readonly problems: readonly Problem[];
}

function resolveEntry(entry: RunnerEntry, question: TargetsQuestion): Resolved {
  const { file, token, isTokenKnown, problems } = resolveToken(entry, question);
  const id = token.isBlank() ? `entry-${entry.number}` : shortToken(token);
  const found = { entry, id, token, isTokenKnown };
  const url = expandEnvironment(entry.url, environmentOf(question));
  if (url.kind === 'blind') {
    const blind = blindProblem(entry, 'url', file);
    return { ...found, url: shownUrl(entry.url), problems: [blind, ...problems] };
  }
  const unset = unsetProblems(entry, 'url', url.unset, file);
  const base = baseUrlOf(url.text);
  const shown = shownUrl(url.text);
  if (!base.ok) {
    const invalid = urlProblem(entry, url.text, base.why, file);
    return { ...found, url: shown, problems: [...unset, invalid, ...problems] };
  }
  const endpoint = endpointOf(base.url, entry, question);
  return { ...found, url: shown, endpoint, problems: [...unset, ...problems] };
}

/** Of the running process; while there is none, what systemd would give it. */
function environmentOf({ process, unitEnvironment }: TargetsQuestion): Environment | undefined {
  return process === undefined ? unitEnvironment : process.environment;
}

function resolveToken(
  entry: RunnerEntry,
  question: TargetsQuestion,
): Pick<Resolved, 'token' | 'isTokenKnown' | 'problems'> & { readonly file: string } {
  const file = question.reading.path;
  const found = expandEnvironment(entry.token.reveal(), environmentOf(question));
  if (found.kind === 'blind') {
    const problems = [blindProblem(entry, 'token', file)];
    return { file, token: new Secret(''), isTokenKnown: false, problems };
  }
  const problems = unsetProblems(entry, 'token', found.unset, file);
  return { file, token: new Secret(found.text), isTokenKnown: true, problems };
}

function endpointOf(url: URL, entry: RunnerEntry, question: TargetsQuestion): EndpointTarget {
  const trust = trustOf(entry, question);
  const parts = [
    ...(trust.caFile === undefined ? [] : [`ca=${trust.caFile}`]),
    ...(trust.certFile === undefined ? [] : [`cert=${trust.certFile}`]),
    ...(trust.keyFile === undefined ? [] : [`key=${trust.keyFile}`]),
  ];
  const id = parts.length === 0 ? url.href : `${url.href}#${parts.join('&')}`;
  const proxy = proxyOf(url, question);
  const alternatives = alternativesOf(url, proxy, hintsOf(entry, question));
  const others = alternatives.length === 0 ? {} : { alternatives };
  const uid = question.process === undefined ? {} : { uid: question.process.uid };
  return { kind: 'endpoint', id, url, trust, proxy, ...uid, ...others };
}

/** Hints of the whole host, and those of the entry and the process themselves. */
function hintsOf(entry: RunnerEntry, question: TargetsQuestion): readonly ProxyHint[] {
  const { reading, process, proxyHints = [] } = question;
  const [first] = entry.proxyLines;
  const own = Object.fromEntries(entry.proxyLines.map((one) => [one.variable, one.value.reveal()]));
  const all = Object.entries(process?.environment ?? {}).filter(([name]) =>
    /^all_proxy$/i.test(name),
  );
  return [
    ...proxyHints,
    ...(first === undefined
      ? []
      : [{ source: `${reading.path}:${first.line}`, isForRunner: true, variables: own }]),
    ...all.map(([name, value]) => ({
      source: `${name} of process ${process?.pid ?? 0}`,
      isForRunner: true,
      variables: { [name]: value },
    })),
  ];
}

function proxyOf(url: URL, question: TargetsQuestion): ProxyDecision {
  const { process } = question;
  const environment = environmentOf(question);
  if (environment !== undefined) return decideProxy(url, environment);
  const because =
    process === undefined
      ? 'the runner is not running, so its proxy settings are not known'
      : `the environment of process ${process.pid} cannot be read, so its proxy settings are not known`;
  return { kind: 'direct', because };
}

function trustOf(entry: RunnerEntry, question: TargetsQuestion): TrustSource {
  const { process, homeDirectory } = question;
  const { tlsCaFile, tlsCertFile, tlsKeyFile } = entry;
  const environment = environmentOf(question) ?? {};
  const file = environment['SSL_CERT_FILE'] ?? '';
  const directories = environment['SSL_CERT_DIR'] ?? '';
  return {
    ...(tlsCaFile === undefined ? {} : { caFile: asProcessSees(tlsCaFile, process) }),
    ...(tlsCertFile === undefined ? {} : { certFile: asProcessSees(tlsCertFile, process) }),
    ...(tlsKeyFile === undefined ? {} : { keyFile: asProcessSees(tlsKeyFile, process) }),
    certsDirectory: certsDirectoryOf(process, homeDirectory),
    ...(file === '' ? {} : { systemFile: file }),
    ...(directories === '' ? {} : { systemDirectories: directories.split(':') }),
  };
}

/** The trust files stay in the id only where the URL alone would not tell two endpoints apart. */
function withShortIds(resolved: readonly Resolved[]): readonly Resolved[] {
  const endpoints = distinctEndpoints(resolved);
  const perUrl = Map.groupBy(endpoints, ({ url }) => url.href);
  return resolved.map((item) => {
    const { endpoint } = item;
    if (endpoint === undefined) return item;
    const isAlone = perUrl.get(endpoint.url.href)?.length === 1;
    return isAlone ? { ...item, endpoint: { ...endpoint, id: endpoint.url.href } } : item;
  });
}

function distinctEndpoints(resolved: readonly Resolved[]): readonly EndpointTarget[] {
  const found = resolved.flatMap(({ endpoint }) => endpoint ?? []);
  return [...new Map(found.map((endpoint) => [endpoint.id, endpoint])).values()];
}

/** `abc`, `abc#2`: two entries may have the same token. */
function uniqueIds(ids: readonly string[]): readonly string[] {
  const seen = new Map<string, number>();
  return ids.map((id) => {
    const count = (seen.get(id) ?? 0) + 1;
    seen.set(id, count);
    return count === 1 ? id : `${id}#${count}`;
  });
}

function runnerTarget(
  { entry, token, url, endpoint, isTokenKnown }: Resolved,
  id: string,
  systemId: string | undefined,
): RunnerTarget {
  const { tokenExpiresAt } = entry;
  return {
    kind: 'runner',
    id,
    name: entry.name,
    // Whatever stands there becomes a label.
    executor: shownWord(entry.executor),
    url,
    ...(endpoint === undefined || !isTokenKnown ? {} : { endpoint: endpoint.id }),
    token,
    ...(tokenExpiresAt === undefined ? {} : { tokenExpiresAt }),
    ...(systemId === undefined ? {} : { systemId }),
    line: entry.line,
  };
}
