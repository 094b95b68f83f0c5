/** A host with one packaged runner, whose files are in a folder of the test. */
import type { HostContext, RunnerContext } from '../../src/core/host-context.ts';
import type { Paths } from '../../src/core/paths.ts';
import { HOST_PATHS } from '../../src/core/paths.ts';
import type { Place } from '../../src/core/place.ts';
import type { LinkTools } from '../../src/core/probe.ts';
import type { Credentials, RunnerProcess } from '../../src/core/reading.ts';
import { PACKAGED_PLACE } from '../../src/host/place/packaged.ts';
import { runnerProcess } from './runner-process.ts';

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
    configLoad: { successful: true, successAt: undefined },
    configProblems: [],
    blind: [],
    runners: [],
    endpoints: [],
    ...over,
  };
}

type Looks = Pick<LinkTools, 'place' | 'process' | 'neighbours' | 'paths'>;

/** What a probe is told of the runner: by default a packaged one that does not run. */
export function toolsIn(given: Partial<Looks>): Looks {
  const { process, neighbours = [], paths = HOST_PATHS } = given;
  const place = given.place ?? { ...PACKAGED_PLACE, paths };
  return { place, process, neighbours, paths: place.paths };
}

/** A process as which user and with which groups. */
export function processOf(credentials: Credentials | undefined): RunnerProcess | undefined {
  return credentials === undefined ? undefined : runnerProcess(credentials);
}
