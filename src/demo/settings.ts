/**
 * Settings of the demo: every check runs every few seconds, since the demo's GitLab has no limits. The real host is
 * not part of the demo: its load and its disks are measured and shown, but cause no warning.
 */
import type { PlanSettings } from '../core/settings.ts';

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
const CALM: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  disk: { full_ratio: 0, full_bytes: 0, low_ratio: 0 },
  cpu: { starved_pressure_ratio: 1 },
  memory: { short_available_ratio: 0.001, full_pressure_ratio: 1 },
};
const REQUESTS_PER_HOUR = 100_000;

/** The given settings with short intervals, a large budget and a blind eye for this host. */
export function demoSettings(defaults: PlanSettings): PlanSettings {
  const probes = Object.entries(defaults.probes).map(([id, settings]) => [
    id,
    {
      ...settings,
      options: { ...settings.options, ...CALM[id] },
      intervalSeconds: INTERVALS[id] ?? settings.intervalSeconds,
    },
  ]);
  return { requestsPerHour: REQUESTS_PER_HOUR, probes: Object.fromEntries(probes) };
}
