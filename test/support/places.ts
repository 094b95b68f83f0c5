/** A host with one packaged runner, whose files are in a folder of the test. */
import type { HostContext, RunnerContext } from '../../src/core/host-context.ts';
import type { Paths } from '../../src/core/paths.ts';
import { HOST_PATHS } from '../../src/core/paths.ts';
import type { Place } from '../../src/core/place.ts';
import { PACKAGED_PLACE } from '../../src/host/place/packaged.ts';

export function contextsAt(paths: Paths = HOST_PATHS): HostContext['contexts'] {
  return [contextIn({ ...PACKAGED_PLACE, paths })];
}

/** An installation without entries, that does not run. */
export function contextIn(place: Place, over: Partial<RunnerContext> = {}): RunnerContext {
  return {
    place,
    process: undefined,
    configPath: place.files.config,
    configFoundBy: 'default',
    configProblems: [],
    blind: [],
    runners: [],
    endpoints: [],
    ...over,
  };
}
