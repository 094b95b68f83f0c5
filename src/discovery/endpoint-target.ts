/** The path of one entry: its URL, what it trusts, and which proxy its requests use. */
import type { HttpUrl } from '../core/http-url.ts';
import type { Place } from '../core/place.ts';
import type { RunnerConfigReading, RunnerProcess, RunnerProgram } from '../core/reading.ts';
import type { EndpointTarget, ProxyDecision, TrustSource } from '../core/target.ts';
import { decideProxy } from '../go/proxy/decision.ts';
import type { Mount } from '../host/fs/mounts.ts';
import type { ProxyHint } from '../host/net/proxy-settings.ts';
import type { Environment } from '../config/runner/expand.ts';
import { asProcessSees } from '../host/place/runner-files.ts';
import { alternativesOf } from './proxy-alternatives.ts';
import type { RunnerDocument, RunnerEntry } from '../config/runner/runner-config.ts';

export interface TargetsQuestion {
  /** The last content that loaded. */
  readonly document: RunnerDocument | undefined;
  readonly reading: RunnerConfigReading;
  readonly process: RunnerProcess | undefined;
  /** The program that reads config.toml: that of the process; without one, the one that starts next. */
  readonly program?: RunnerProgram | undefined;
  readonly mounts: readonly Mount[];
  readonly place: Place;
  readonly systemId: string | undefined;
  /** `[gitlab] api_token_file` of our own settings. */
  readonly apiTokenFile?: string | undefined;
  /** What systemd would give the runner at its next start; absent where there is no unit. */
  readonly unitEnvironment?: Environment;
  /** Proxies that are configured on this host. */
  readonly proxyHints?: readonly ProxyHint[];
  readonly dockerRoot?: string;
  readonly meantWritable?: readonly string[];
  readonly meantReadOnly?: readonly string[];
}

/** Of the running process; while there is none, what systemd would give it. */
export function environmentOf({
  process,
  unitEnvironment,
}: TargetsQuestion): Environment | undefined {
  return process === undefined ? unitEnvironment : process.environment;
}

export function endpointOf(
  url: HttpUrl,
  entry: RunnerEntry,
  question: TargetsQuestion,
): EndpointTarget {
  const trust = trustOf(entry, url, question);
  const parts = [
    ...(trust.caFile === undefined ? [] : [`ca=${trust.caFile}`]),
    ...(trust.certFile === undefined ? [] : [`cert=${trust.certFile}`]),
    ...(trust.keyFile === undefined ? [] : [`key=${trust.keyFile}`]),
    ...(url.credentials === undefined ? [] : [`login=${url.credentials.password.fingerprint()}`]),
  ];
  const id = parts.length === 0 ? url.href : `${url.href}#${parts.join('&')}`;
  const proxy = proxyOf(url, question);
  const hints = [...hintsOf(entry, question), ...processHints(proxy, question)];
  const alternatives = alternativesOf(url, proxy, hints);
  const others = alternatives.length === 0 ? {} : { alternatives };
  return {
    kind: 'endpoint',
    id,
    url,
    trust,
    proxy,
    ...others,
  };
}

/** Hints of the whole host, and those of the entry itself. */
function hintsOf(entry: RunnerEntry, question: TargetsQuestion): readonly ProxyHint[] {
  const { reading, proxyHints = [] } = question;
  const [first] = entry.proxyLines;
  const own = Object.fromEntries(entry.proxyLines.map((one) => [one.variable, one.value.reveal()]));
  return [
    ...proxyHints,
    ...(first === undefined
      ? []
      : [{ source: `${reading.path}:${first.line}`, isForRunner: true, variables: own }]),
  ];
}

/**
 * What the process has and Go does not use for this URL: ALL_PROXY, and without a proxy that of the other scheme, or
 * one from which NO_PROXY exempts it.
 */
function processHints(inForce: ProxyDecision, { process }: TargetsQuestion): readonly ProxyHint[] {
  const exemptBy = inForce.kind === 'direct' ? inForce.exemptBy : undefined;
  const list = exemptBy === undefined ? '|no' : '';
  const names = inForce.kind === 'direct' ? `all|https?${list}` : 'all';
  const isMeant = new RegExp(`^(?:${names})_proxy$`, 'i');
  const found = Object.entries(process?.environment ?? {}).filter(([name]) => isMeant.test(name));
  const first = found.find(([name]) => !/^no_proxy$/i.test(name));
  if (first === undefined) return [];
  const source = `${exemptBy ?? first[0]} of process ${process?.pid ?? 0}`;
  const variables = Object.fromEntries(found);
  const exempt = exemptBy === undefined ? {} : ({ isExempt: true } as const);
  return [{ source, isForRunner: true, variables, ...exempt }];
}

function proxyOf(url: HttpUrl, question: TargetsQuestion): ProxyDecision {
  const { process, unitEnvironment, place } = question;
  // Where the process does not show its own, what systemd gave it is the best guess.
  const environment = environmentOf(question) ?? unitEnvironment;
  if (environment !== undefined) return decideProxy(url, environment);
  // Who adds our container to a pod gives it the proxy of the runner.
  if (place.unseen !== undefined) return decideProxy(url, place.ownEnvironment ?? {});
  const because =
    process === undefined
      ? 'the runner is not running, so its proxy settings are unknown'
      : `the environment of process ${process.pid} cannot be read, so its proxy settings are unknown`;
  return { kind: 'direct', because };
}

function trustOf(entry: RunnerEntry, url: HttpUrl, question: TargetsQuestion): TrustSource {
  const { process, place } = question;
  const { tlsCaFile, tlsCertFile, tlsKeyFile } = entry;
  return {
    ...(tlsCaFile === undefined ? {} : { caFile: asProcessSees(tlsCaFile, process) }),
    ...(tlsCertFile === undefined ? {} : { certFile: asProcessSees(tlsCertFile, process) }),
    ...(tlsKeyFile === undefined ? {} : { keyFile: asProcessSees(tlsKeyFile, process) }),
    certsDirectory: place.files.certs,
    ...(url.writtenHost === undefined ? {} : { certsHost: url.writtenHost }),
    ...systemTrustOf(environmentOf(question) ?? {}),
  };
}

/** Files in place of the system's own. */
export function systemTrustOf(
  environment: Environment,
): Pick<TrustSource, 'systemFile' | 'systemDirectories'> {
  const file = environment['SSL_CERT_FILE'] ?? '';
  const directories = environment['SSL_CERT_DIR'] ?? '';
  return {
    ...(file === '' ? {} : { systemFile: file }),
    ...(directories === '' ? {} : { systemDirectories: directories.split(':') }),
  };
}
