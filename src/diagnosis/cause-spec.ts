/**
 * The form of a catalogue entry: what a cause means, which observations prove it, and its fix. `explain`,
 * docs/causes.md and the report derive from it.
 */
import type { ChangeKind } from '../core/change.ts';
import type { FixStep } from '../core/diagnosis.ts';
import { step } from '../core/diagnosis.ts';
import type { Fact } from '../core/finding.ts';
import type { EngineCommands, Place } from '../core/place.ts';
import { hostArgument } from '../core/place.ts';
import { OWN_SETTINGS } from '../core/own-service.ts';
import type { Scope, Severity } from '../core/vocabulary.ts';
import type { FactName } from './catalogue/facts.ts';
import { FACT_PLACEHOLDERS } from './catalogue/facts.ts';
import { PACKAGED_PLACE } from '../host/place/packaged.ts';

/** A proxy, without its login. */
export interface ContextProxy {
  readonly scheme: 'http' | 'https' | 'socks5';
  /** Host and port. */
  readonly authority: string;
  readonly hasLogin?: true;
}

/** Values for sentences and commands: of the real finding, or placeholders in capitals for the docs. */
export interface CauseContext {
  readonly host: string;
  readonly port: string;
  readonly url: string;
  /** config.toml as the runner sees it. */
  readonly config: string;
  /** Our own settings file. */
  readonly settings: string;
  /** Where the runner lives: asked for every command that depends on it. */
  readonly place: Place;
  /** How the runner goes to `url`; absent where it connects directly. */
  readonly proxy?: ContextProxy;
  /** Other programs of this host have a proxy, so a shell may have it too. */
  readonly hasOtherProxies: boolean;
  /** What the runner connects to: its proxy, else GitLab. */
  readonly firstHop: { readonly host: string; readonly port: string };
  /** The container engine of the entries, with the folder of its TLS files; absent where they use none. */
  readonly engine?: { readonly address: string; readonly certificates?: string };
  /** Name and short token of the entry. */
  readonly name: string;
  readonly runner: string;
  /** How the entry runs its jobs. */
  readonly executor: string;
  /** A fact that every observation of this cause supplies; in the docs a placeholder. */
  fact(name: FactName): string;
  /** A fact that only some observations supply. */
  optional(name: FactName): string | undefined;
}

/** The server that answered: "nginx", "Cloudflare", "GitLab". */
export function responder(c: CauseContext): string {
  return c.optional('responder') ?? 'the web server';
}

/** The HTTP status in parentheses, where it is known. */
export function statusOf(c: CauseContext): string {
  const status = c.optional('status');
  return status === undefined ? '' : ` (${status})`;
}

/** The web server has not answered so far, and the runner waits for longer. */
export function isStillWaiting(c: CauseContext): boolean {
  return c.optional('is_waiting') === 'true';
}

/** What a text shows for a fact that is missing: a bug, which tests and lab search for. */
export const MISSING_FACT = '(missing fact: ';

/** The order of blame: first what stops everything, last what only hurts. */
export const STAGES = [
  'config',
  'process',
  'system',
  'clock',
  'path',
  'polls',
  'token',
  'record',
  'executor',
  'jobs',
  'resources',
  'version',
  'monitor',
] as const;
export type Stage = (typeof STAGES)[number];

export type FamilyName =
  | 'config'
  | 'process'
  | 'runner'
  | 'limits'
  | 'executor'
  | 'jobs'
  | 'host'
  | 'dns'
  | 'network'
  | 'proxy'
  | 'tls'
  | 'edge'
  | 'gitlab'
  | 'token'
  | 'record';

export interface CauseSpec {
  readonly id: string;
  readonly severity: Severity;
  readonly scope: Scope;
  readonly title: string;
  /** What it is, one or two sentences, for explain and the docs. */
  readonly meaning: string;
  /** The minimum that proves the cause. */
  readonly evidence: string;
  readonly notConfusedWith: readonly string[];
  /** `<probe>/<reason>` pairs that are read as this cause. */
  readonly from: readonly string[];
  /** Pairs of other causes that this one can produce as well; another check must prove it. */
  readonly looksLike?: readonly string[];
  /** Severity when the check only warns; `severity` by default. */
  readonly warnSeverity?: Severity;
  /** A clause with the values: "the name gitlab.example.com does not exist". */
  says(context: CauseContext): string;
  fix(context: CauseContext): readonly FixStep[];
  readonly resolvedWhen: string;
  /** Ids of causes that are symptoms of this one. */
  readonly suppresses?: readonly string[];
  /** At its full severity it breaks everything after it, so it comes first in the order of blame. */
  readonly breaks?: boolean;
  /** Part of the requests still succeed: its entries reach GitLab. */
  readonly isPartial?: boolean;
  /** The same at this severity alone. */
  readonly partialSeverity?: Severity;
  /** Its entries do not reach GitLab, although our requests do. */
  readonly stopsPolls?: boolean;
  /** Its entries can run no job, once it is confirmed: one line about one job is no proof. Absent is false. */
  readonly stopsJobs?: boolean;
  /** The executors that alone can have it; absent where any can. */
  readonly ofExecutors?: readonly string[];
  /** GitLab announced it, and it ends by itself: the pager is told in another way, the verdict is the same. */
  readonly isAnnounced?: boolean;
  /** One result above the limit is not enough: the median of the last results must be above it. */
  readonly lasting?: { readonly measures: readonly string[]; readonly option: string };
  /** One bad backend of several answers so. */
  readonly isOfOneBackend?: true;
  /** Kinds of changes that can produce it; by default those of the probes in `from`. */
  readonly changedBy?: readonly ChangeKind[];
  /** The evidence that confirms it; two results in a row by default. */
  readonly confirm?: { readonly results: number; readonly seconds?: number };
}

/** Whether one of these executors can have such a cause. */
export function isOfExecutors(
  { ofExecutors: able }: CauseSpec,
  executors: readonly string[],
): boolean {
  return able === undefined || executors.some((executor) => able.includes(executor));
}

/** A fault of this kind concerns every entry of the installation. */
export function concernsAllEntries(scope: Scope): boolean {
  return scope === 'host' || scope === 'service';
}

type Shared = Pick<CauseSpec, 'severity' | 'scope' | 'resolvedWhen'>;

/** Entries of one family: they share these values unless they say otherwise. */
export function family(
  shared: Shared,
): (spec: Omit<CauseSpec, keyof Shared> & Partial<Shared>) => CauseSpec {
  return (spec) => ({ ...shared, ...spec });
}

/** A fact that needs no repetition: read from a file or from the token itself. */
export const AT_ONCE = { results: 1 } as const;

/** Restarts the runner, so that it reads again what it reads only at start. */
export function restart({ place }: CauseContext): FixStep {
  return step('Restart the runner, which reads this only once.', place.commands.restart);
}

/** Sets a variable for the runner process and restarts it. */
export function setVariable(
  { place }: CauseContext,
  text: string,
  name: string,
  value: string,
): readonly FixStep[] {
  return place.commands.setEnvironment(text, { [name]: value });
}

/** The same for a value that is not known here. */
export function enterVariable(
  { place }: CauseContext,
  text: string,
  ...names: readonly string[]
): readonly FixStep[] {
  return place.commands.enterEnvironment(text, names);
}

/** That of the entries concerned, for causes of the host. */
export function ownEngine({ engine, place }: CauseContext): EngineCommands | undefined {
  return engine === undefined ? undefined : place.engineAt(engine.address, engine.certificates);
}

/** A path of the runner, quoted for a command on the host. */
export function onHost({ place }: CauseContext, path: string): string {
  return hostArgument(place, path);
}

/** The context of the docs: every value is a placeholder in capitals. */
export const PLACEHOLDERS: CauseContext = {
  host: 'HOST',
  port: 'PORT',
  url: 'URL',
  config: PACKAGED_PLACE.files.config,
  settings: OWN_SETTINGS,
  hasOtherProxies: false,
  firstHop: { host: 'HOST', port: 'PORT' },
  engine: { address: 'unix:///var/run/docker.sock' },
  place: PACKAGED_PLACE,
  name: 'NAME',
  runner: 'RUNNER',
  executor: 'docker',
  fact: (name) => FACT_PLACEHOLDERS[name],
  optional: (name) => FACT_PLACEHOLDERS[name],
};

/** The context of a real finding. */
export function contextOf(
  values: Omit<CauseContext, 'fact' | 'optional'>,
  facts: Readonly<Record<string, Fact>>,
): CauseContext {
  const optional = (name: FactName): string | undefined =>
    facts[name] === undefined ? undefined : String(facts[name]);
  return {
    ...values,
    fact: (name) => optional(name) ?? `${MISSING_FACT}${name})`,
    optional,
  };
}
