/** The values of a real finding, for the sentences and commands of a cause. */
import { withoutBrackets } from '../core/address.ts';
import type { CheckState } from '../core/check.ts';
import type { Fact } from '../core/finding.ts';
import { portOf } from '../core/http-url.ts';
import { OWN_SETTINGS } from '../core/own-service.ts';
import type { EndpointTarget, RunnerTarget } from '../core/target.ts';
import { plainIdOf } from '../core/target.ts';
import { httpUrlOf } from '../go/http-url.ts';
import type { CauseContext } from './cause-spec.ts';
import { contextOf } from './cause-spec.ts';
import type { SnapshotIndex } from './snapshot-index.ts';
import { factsOf } from './snapshot-index.ts';

interface Observed {
  readonly states: readonly [CheckState, ...CheckState[]];
  readonly runners: readonly RunnerTarget[];
  readonly url?: string;
  readonly facts?: Readonly<Record<string, Fact>>;
}

export function contextFor(
  indexed: SnapshotIndex,
  { states, runners, url, facts }: Observed,
): CauseContext {
  const { endpoints, place } = indexed.context;
  const [runner] = runners;
  const asked = url ?? runner?.url ?? endpoints[0]?.id ?? '';
  const server = serverOf(asked);
  return contextOf(
    {
      url: asked,
      ...server,
      ...routeOf(
        endpoints.find((one) => [one.id, plainIdOf(one)].includes(url ?? runner?.endpoint ?? '')),
        server,
      ),
      ...engineOf(indexed, runners),
      config: place.files.config,
      settings: indexed.snapshot.hostContext.settingsFile ?? OWN_SETTINGS,
      place,
      ...entryOf(runner),
    },
    { ...presentLimits(indexed), ...factsOf(states[0]), ...facts },
  );
}

/** What the runner may use now, by the checks of its limits. */
function presentLimits(indexed: SnapshotIndex): Readonly<Record<string, Fact>> {
  const states = [...indexed.statesOf('limits'), ...indexed.statesOf('cgroup')];
  const limits = states.flatMap((state) =>
    Object.entries(factsOf(state)).filter(([name]) => name.endsWith('_limit')),
  );
  return Object.fromEntries(limits);
}

function entryOf(
  runner: RunnerTarget | undefined,
): Pick<CauseContext, 'name' | 'runner' | 'executor'> {
  if (runner === undefined) return { name: 'the runner', runner: '', executor: '' };
  return { name: runner.name, runner: runner.id, executor: runner.executor };
}

function serverOf(url: string): CauseContext['firstHop'] {
  const parsed = httpUrlOf(url.replace(/#.*/, ''));
  return typeof parsed === 'object'
    ? { host: withoutBrackets(parsed.hostname), port: String(portOf(parsed)) }
    : { host: url, port: '443' };
}

/** How the runner goes there, for the commands of a fix. */
function routeOf(
  endpoint: EndpointTarget | undefined,
  server: CauseContext['firstHop'],
): Pick<CauseContext, 'proxy' | 'firstHop' | 'hasOtherProxies'> {
  const hasOtherProxies = (endpoint?.alternatives ?? []).length > 0;
  if (endpoint?.proxy.kind !== 'proxy') return { firstHop: server, hasOtherProxies };
  const { scheme, host, port, credentials } = endpoint.proxy;
  const authority = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  const login = credentials === undefined ? {} : ({ hasLogin: true } as const);
  const firstHop = { host, port: String(port) };
  return { proxy: { scheme, authority, ...login }, firstHop, hasOtherProxies };
}

/** The engine of the first entry that has one. */
function engineOf(
  indexed: SnapshotIndex,
  runners: readonly RunnerTarget[],
): Pick<CauseContext, 'engine'> {
  const ids = runners.map(({ id }) => id);
  const found = indexed
    .statesOf('executor')
    .flatMap(({ check: { target } }) => (target.kind === 'executor' ? [target] : []))
    .find(
      (target) => target.backend.kind === 'docker' && target.runners.some((id) => ids.includes(id)),
    );
  if (found?.backend.kind !== 'docker') return {};
  const { certificates } = found.backend;
  const address = plainIdOf(found);
  return { engine: { address, ...(certificates === undefined ? {} : { certificates }) } };
}
