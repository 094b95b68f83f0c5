/** The links of the real walk with findings to set, and a record of what was run. */
import { runJob } from '../../src/checks/run.ts';
import { Store } from '../../src/checks/store.ts';
import { createWalk } from '../../src/checks/walk.ts';
import type { Check } from '../../src/core/check.ts';
import type { CheckId, Finding, ProbeResult } from '../../src/core/finding.ts';
import type { Probe } from '../../src/core/probe.ts';
import { setClock } from './clock.ts';
import { contextsAt } from './places.ts';
import { check, ENDPOINT, PASS, probe, runnerTarget } from './probes.ts';
import { requestBudget } from './request-budget.ts';

interface Staged {
  readonly requestsPerHour?: number;
  readonly runners?: number;
  readonly phase?: number;
  /** With a probe that is no link and needs none. */
  readonly beside?: boolean;
}

export function stageWalk(options: Staged = {}) {
  const clock = setClock();
  const store = new Store(clock);
  const budget = requestBudget(clock, options.requestsPerHour ?? 20);
  const says: Record<string, Finding> = {};
  const ran: string[] = [];
  const contradicted = new Set<CheckId>();
  const mayPass = new Set<CheckId>();
  const proofs: string[] = [];
  const link = (id: string, needs: string[], over: Partial<Probe> = {}): Probe =>
    probe({
      id,
      needs,
      kind: 'endpoint',
      intervalSeconds: 15,
      ...over,
      run: ({ provesEnd = false }) => {
        ran.push(id);
        if (provesEnd) proofs.push(id);
        return says[id] ?? PASS;
      },
    });
  const probes = {
    dns: link('dns', []),
    connect: link('connect', ['dns']),
    http: link('http', ['connect'], { intervalSeconds: 60 }),
    beside: link('beside', []),
    api: link('api', ['http'], { intervalSeconds: 900, requests: { api: 'budgeted' } }),
    token: link('token', ['api'], {
      intervalSeconds: 900,
      kind: 'runner',
      requests: { token: 'budgeted' },
    }),
  };
  const runners = Array.from({ length: options.runners ?? 1 }, (_, index) =>
    runnerTarget(`r${index}`),
  );
  const checks: Check[] = [
    ...[probes.dns, probes.connect, probes.http, probes.api].map((link) => check(link, ENDPOINT)),
    ...(options.beside === true ? [check(probes.beside, ENDPOINT)] : []),
    ...runners.map((runner) => check(probes.token, runner)),
  ];
  store.adopt(checks);
  const job = createWalk('walk', checks, {
    clock,
    contexts: contextsAt(),
    budget,
    known: (id) => store.known(id),
    restore: (id) => void store.restore(id),
    reserve: budget.reserve,
    contradicted: () => contradicted,
    mayPass: () => mayPass,
    ...(options.phase === undefined ? {} : { phase: () => options.phase ?? 0 }),
  });
  const record = (result: ProbeResult): void => void store.record(result);
  const walk = async (everything = false, isFresh = false): Promise<string[]> => {
    ran.length = 0;
    const stop = new AbortController().signal;
    await runJob({ job, clock, stop, onResult: record, everything, isFresh });
    return [...ran];
  };
  const statuses = () =>
    Object.fromEntries(
      store.states().map(({ check: { id }, finding }) => [id.split('@')[0], finding.status]),
    );
  return { clock, says, walk, statuses, store, budget, contradicted, mayPass, proofs };
}
