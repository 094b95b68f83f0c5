/**
 * Probes × targets → checks, and checks → jobs for the scheduler. A pure function of its arguments, so
 * that a reload builds a complete new plan and swaps it.
 */
import type { Check } from '../core/check.ts';
import { checkId, walkId } from '../core/check.ts';
import type { HostContext } from '../core/host-context.ts';
import { placeOf } from '../core/host-context.ts';
import type { Probe } from '../core/probe.ts';
import { isBudgeted } from '../core/request.ts';
import type { PlanSettings, ProbeSettings } from '../core/settings.ts';
import { defaultProbeSettings } from '../core/settings.ts';
import type { Target, TargetKind } from '../core/target.ts';
import type { Job } from './run.ts';
import { runCheck } from './run.ts';
import { toolsFor } from './tools.ts';
import type { WalkDeps } from './due.ts';
import { inPlace } from './in-place.ts';
import { createWalk } from './walk.ts';

/** Share of the hourly budget that regular checks use; the rest is for confirmations. */
const REGULAR_SHARE = 0.8;

/** Hanging mounts must not delay the other checks of the host. */
const MAY_HANG: ReadonlySet<TargetKind> = new Set(['mount', 'executor']);

/** Every enabled probe on every target of its kind that it applies to, in the order of the list. */
export function checksOf(
  probes: readonly Probe[],
  targets: readonly Target[],
  settings: PlanSettings,
  contexts: HostContext['contexts'],
): readonly Check[] {
  const enabled = withNeeds(
    probes.filter(({ id }) => settings.probes[id]?.enabled !== false),
    probes,
  );
  const checks = enabled.flatMap((probe) =>
    targets
      .filter((target) => isFitting(probe, target, contexts))
      .map((target) => checkOf(probe, target, settings.probes[probe.id])),
  );
  const budgeted = checks.filter(({ probe }) => isBudgeted(probe)).length;
  const shareSeconds = (3600 * budgeted) / (settings.requestsPerHour * REGULAR_SHARE);
  return checks.map((check) =>
    isBudgeted(check.probe) && check.intervalSeconds < shareSeconds
      ? { ...check, intervalSeconds: Math.ceil(shareSeconds) }
      : check,
  );
}

/** One walk for each endpoint with its entries' tokens, and one job for every other check. */
export function jobsOf(checks: readonly Check[], deps: WalkDeps): readonly Job[] {
  const walks = Map.groupBy(checks, walkOf);
  const jobs = [...walks].flatMap(([endpoint, members]) =>
    endpoint === undefined
      ? members.map((check) => hostJob(check, deps))
      : [createWalk(walkId(endpoint), members, deps)],
  );
  return jobs.map((job) => inPlace(job, deps));
}

/** Drops probes that need one which is switched off, unless that one does not apply to every target: they would be skipped. */
function withNeeds(enabled: readonly Probe[], all: readonly Probe[]): readonly Probe[] {
  const optional = new Set(all.filter((probe) => probe.applies !== undefined).map(({ id }) => id));
  return enabled.reduce<readonly Probe[]>((kept, probe) => {
    const missing = probe.needs.filter((need) => !kept.some(({ id }) => id === need));
    return missing.every((need) => optional.has(need)) ? [...kept, probe] : kept;
  }, []);
}

function isFitting(probe: Probe, target: Target, contexts: HostContext['contexts']): boolean {
  if (probe.kind !== target.kind) return false;
  if (target.kind === 'runner' && target.endpoint === undefined) return false;
  return probe.applies?.(target, placeOf({ contexts }, target)) ?? true;
}

function checkOf(probe: Probe, target: Target, settings: ProbeSettings | undefined): Check {
  const { options, intervalSeconds, timeoutSeconds } = settings ?? defaultProbeSettings(probe);
  const id = checkId(probe.id, target.id);
  return { id, probe, target, options, intervalSeconds, timeoutSeconds };
}

function walkOf({ target }: Check): string | undefined {
  if (target.kind === 'endpoint') return target.id;
  return target.kind === 'runner' ? target.endpoint : undefined;
}

function hostJob(check: Check, deps: WalkDeps): Job {
  return {
    id: check.id,
    group: MAY_HANG.has(check.target.kind) ? 'mount' : 'host',
    intervalSeconds: check.intervalSeconds,
    timeoutSeconds: check.timeoutSeconds + 0.5,
    checks: [check],
    run: async (signal, emit) => {
      emit(await runCheck(check, toolsFor(check, deps, {}, signal)));
    },
  };
}
