/** What the daemon has reported in a row: causes, and incidents, each of which would have been one notification. */
import { until } from '../test/support/until.ts';
import type { World } from './world.ts';

const MAX_NOTICES = 2;

interface Listed {
  readonly cause: string;
  readonly recoveredAt?: string;
  readonly durationSeconds?: number;
}

export async function incidentsOf({ daemon }: World, cause: string): Promise<readonly Listed[]> {
  const text = await daemon.get('/api/v1/incidents');
  const { incidents } = JSON.parse(text) as { readonly incidents: readonly Listed[] };
  return incidents.filter((incident) => incident.cause === cause);
}

export async function isOneIncident(world: World, cause: string): Promise<string | undefined> {
  // Its file is written after the report names it.
  await until(async () => (await incidentsOf(world, cause)).length > 0);
  const found = await incidentsOf(world, cause);
  const { causes } = await world.daemon.report();
  const flaps = causes.some(({ flapping }) => flapping !== undefined);
  if (found.length > MAX_NOTICES) return `${found.length} incidents`;
  return flaps ? undefined : 'the report does not say that the fault comes and goes';
}

/** Until the report names a cause. */
export async function untilNamed({ daemon }: World, cause: string): Promise<void> {
  await until(async () => (await daemon.report()).causes.some(({ id }) => id === cause));
}
