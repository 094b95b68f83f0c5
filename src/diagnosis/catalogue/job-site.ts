/** Where the containers of jobs run, for fixes: on the engine of the entry, on machines made for jobs, or in a cluster. */
import { DOCKER_EXECUTORS, LOCAL_DOCKER_EXECUTORS } from '../../config/runner/executors.ts';
import type { FixStep } from '../../core/diagnosis.ts';
import { step } from '../../core/diagnosis.ts';
import type { EngineCommands } from '../../core/place.ts';
import { ENGINE_OF_MACHINE } from '../../host/place/engine.ts';
import type { CauseContext } from '../cause-spec.ts';

type JobSite = 'engine' | 'machines' | 'cluster';

export function siteOf({ executor }: Pick<CauseContext, 'executor'>): JobSite {
  if (executor === 'kubernetes') return 'cluster';
  const isOnMachines =
    DOCKER_EXECUTORS.includes(executor) && !LOCAL_DOCKER_EXECUTORS.includes(executor);
  return isOnMachines ? 'machines' : 'engine';
}

/** The container engine that the entry uses. */
export function engineOf(c: CauseContext): EngineCommands {
  return siteOf(c) === 'engine'
    ? c.place.engineAt(c.fact('stands_on'), c.optional('docker_certificates'))
    : ENGINE_OF_MACHINE;
}

/** A step with the client of that engine. */
export function askEngine(c: CauseContext, text: string, words: string): FixStep {
  const where = siteOf(c) === 'machines' ? `On a machine of ${c.name}: ` : '';
  return step(`${where}${text}`, engineOf(c).client(words));
}

/** What the kubelets say of containers that they cannot start. */
export const SHOW_EVENTS = step(
  'Show what the nodes of the cluster say of it.',
  'kubectl get events -A --field-selector type=Warning --sort-by .lastTimestamp',
);
