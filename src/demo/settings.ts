/** Settings of the demo: everything is looked at every few seconds, since its GitLab has no limits. */
import type { PlanSettings } from '../plan.ts';

const INTERVALS: Readonly<Record<string, number>> = {
  dns: 2,
  connect: 2,
  proxy: 2,
  tls: 2,
  http: 2,
  api: 3,
  token: 3,
  config: 1,
  service: 2,
  disk: 10,
  cpu: 5,
  memory: 5,
};
const REQUESTS_PER_HOUR = 100_000;

/** The given settings with short intervals and a large budget. */
export function demoSettings(defaults: PlanSettings): PlanSettings {
  const probes = Object.entries(defaults.probes).map(([id, settings]) => [
    id,
    { ...settings, intervalSeconds: INTERVALS[id] ?? settings.intervalSeconds },
  ]);
  return { requestsPerHour: REQUESTS_PER_HOUR, probes: Object.fromEntries(probes) };
}
