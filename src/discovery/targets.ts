/**
 * Builds the targets of all probes from the runner's configuration, its process and the mount table.
 *
 * Entries that share base URL and trust files share one endpoint (the proxy follows from URL and
 * environment). Ids are stable across restarts: the base URL, the short token, the mount point.
 */
import type { Problem, RunnerProgram } from '../core/reading.ts';
import { Secret } from '../core/secret.ts';
import { redactArgument } from '../core/redact-argument.ts';
import type {
  ConfigTarget,
  EndpointTarget,
  ExecutorTarget,
  HostTarget,
  MountTarget,
  Placed,
  RunnerTarget,
  ServiceTarget,
} from '../core/target.ts';
import { shortToken } from '../gitlab/token.ts';
import { metricsAddressOf } from '../runner/counters/listen-address.ts';
import { baseUrlOf, redactUrl } from '../config/runner/base-url.ts';
import type { TargetsQuestion } from './endpoint-target.ts';
import { endpointOf, environmentOf } from './endpoint-target.ts';
import { dialectOf } from '../config/runner/dialect.ts';
import { goSettingsOf } from '../go/settings.ts';
import {
  expansionProblem,
  notFilledProblem,
  unknownFillingProblem,
  unsetProblems,
  urlProblem,
} from '../config/runner/entry-problems.ts';
import type { Expansion } from '../config/runner/expand.ts';
import { expandEnvironment, namesVariables } from '../config/runner/expand.ts';
import { executorTargetsOf } from './executor-targets.ts';
import { uniqueIds } from './unique-ids.ts';
import { mountTargetsOf } from './mount-targets.ts';
import type { RunnerEntry } from '../config/runner/runner-config.ts';

export interface FoundTargets {
  readonly host: HostTarget;
  readonly config: ConfigTarget;
  readonly service: ServiceTarget;
  readonly mounts: readonly MountTarget[];
  readonly endpoints: readonly EndpointTarget[];
  readonly runners: readonly RunnerTarget[];
  readonly executors: readonly ExecutorTarget[];
  /** Of single entries; they do not stop the file from loading. */
  readonly problems: readonly Problem[];
}

/** Every target of this host. */
export function targetsOf(question: TargetsQuestion): FoundTargets {
  const { document, reading, place } = question;
  const resolved = withShortIds(
    (document?.runners ?? []).map((entry) => resolveEntry(entry, question)),
  );
  const ids = uniqueIds(resolved.map(({ id }) => id));
  const at = { place: place.id };
  const entries = resolved.map(({ entry, endpoint }, index) => ({
    entry,
    id: ids[index] ?? '',
    endpoint,
  }));
  return {
    host: { kind: 'host', id: 'host' },
    config: { kind: 'config', id: reading.path, ...at, reading },
    service: { ...serviceOf(question), ...at },
    // Ours are not those of a runner that is not visible.
    mounts: (place.unseen === undefined
      ? mountTargetsOf({ ...question, ids, configPath: reading.path })
      : []
    ).map(placedAt(at)),
    endpoints: distinctEndpoints(resolved).map(placedAt(at)),
    runners: resolved
      .map((item, index) => runnerTarget(item, ids[index] ?? item.id, question))
      .map(placedAt(at)),
    executors: executorTargetsOf(entries, question).map(placedAt(at)),
    problems: resolved.flatMap(({ problems }) => problems),
  };
}

function placedAt(at: Placed): <T extends Placed>(target: T) => T {
  return (target) => ({ ...target, ...at });
}

function serviceOf(question: TargetsQuestion): ServiceTarget {
  const { document, process, place } = question;
  const address = metricsAddressOf(document?.listenAddress, process);
  // In the network of the host another runner may listen there.
  const isThere = place.closed === undefined && place.isThere?.() !== false;
  const metrics = isThere ? address : undefined;
  return {
    kind: 'service',
    id: place.id,
    ...(metrics === undefined ? {} : { metrics }),
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
  /** False when the token names variables that could not be read: it must not be used. */
  readonly isTokenKnown: boolean;
  readonly problems: readonly Problem[];
}

function resolveEntry(entry: RunnerEntry, question: TargetsQuestion): Resolved {
  const { file, token, isTokenKnown, problems } = resolveToken(entry, question);
  const id = token.isBlank() ? `entry-${entry.number}` : shortToken(token);
  const found = { entry, id, token, isTokenKnown };
  const unfilled = unfilledProblem(entry, 'url', question);
  if (unfilled !== undefined) {
    return { ...found, url: redactUrl(entry.url), problems: [unfilled, ...problems] };
  }
  const url = expand(entry.url, question);
  if (url.kind === 'blind') {
    const blind = expansionProblem(entry, 'url', file);
    return { ...found, url: redactUrl(entry.url), problems: [blind, ...problems] };
  }
  const unset = unsetProblems(entry, 'url', url.unset, file);
  const base = baseUrlOf(url.text, goSettingsOf(programOf(question)).severalColons);
  const shown = redactUrl(url.text);
  if (!base.ok) {
    const invalid = urlProblem(entry, url.text, base.why, file);
    return { ...found, url: shown, problems: [...unset, invalid, ...problems] };
  }
  const endpoint = endpointOf(base.url, entry, question);
  return { ...found, url: shown, endpoint, problems: [...unset, ...problems] };
}

/** Where the text names a variable and this runner fills in none, or does not show whether it does. */
function unfilledProblem(
  entry: RunnerEntry,
  key: 'url' | 'token',
  question: TargetsQuestion,
): Problem | undefined {
  const text = key === 'url' ? entry.url : entry.token.reveal();
  const { fillsVariables } = dialectOf(programOf(question));
  if (fillsVariables === true || !namesVariables(text)) return undefined;
  const { path: file } = question.reading;
  return fillsVariables === false
    ? notFilledProblem(entry, key, file)
    : unknownFillingProblem(entry, key, file);
}

function programOf({ process, program }: TargetsQuestion): RunnerProgram | undefined {
  return process ?? program;
}

/** As this runner does. */
function expand(text: string, question: TargetsQuestion): Expansion {
  return dialectOf(programOf(question)).fillsVariables === true
    ? expandEnvironment(text, environmentOf(question))
    : { kind: 'text', text, unset: [] };
}

function resolveToken(
  entry: RunnerEntry,
  question: TargetsQuestion,
): Pick<Resolved, 'token' | 'isTokenKnown' | 'problems'> & { readonly file: string } {
  const file = question.reading.path;
  const unfilled = unfilledProblem(entry, 'token', question);
  if (unfilled !== undefined) {
    return { file, token: new Secret(''), isTokenKnown: false, problems: [unfilled] };
  }
  const found = expand(entry.token.reveal(), question);
  if (found.kind === 'blind') {
    const problems = [expansionProblem(entry, 'token', file)];
    return { file, token: new Secret(''), isTokenKnown: false, problems };
  }
  const problems = unsetProblems(entry, 'token', found.unset, file);
  return { file, token: new Secret(found.text), isTokenKnown: true, problems };
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

function runnerTarget(
  { entry, token, url, endpoint, isTokenKnown }: Resolved,
  id: string,
  { systemId, apiTokenFile: tokenFile }: TargetsQuestion,
): RunnerTarget {
  const { tokenExpiresAt, recordId } = entry;
  const isOnRecord = recordId !== undefined && tokenFile !== undefined;
  return {
    kind: 'runner',
    id,
    name: entry.name,
    // Any text there becomes a label.
    executor: redactArgument(entry.executor),
    url,
    ...(endpoint === undefined || !isTokenKnown ? {} : { endpoint: endpoint.id }),
    token,
    ...(tokenExpiresAt === undefined ? {} : { tokenExpiresAt }),
    ...(systemId === undefined ? {} : { systemId }),
    ...(isOnRecord ? { record: { id: recordId, tokenFile } } : {}),
    line: entry.line,
  };
}
