/** What the runner says of its jobs: no room, refused by GitLab or by somebody before it, not prepared (matrix 2.10, 2.11). */
import type { CheckState } from '../../core/check.ts';
import type { Cause } from '../../core/diagnosis.ts';
import type { Sighting } from '../../core/runner-event.ts';
import type { RunnerTarget } from '../../core/target.ts';
import { mustHave } from '../build-cause.ts';
import type { Picture, Seen } from '../snapshot-index.ts';
import { isFail } from '../snapshot-index.ts';
import { drawn, openWay, seenOf, seenOfRunner } from '../runner-events.ts';
import { executorCauses } from './executor.ts';

/** Preparation failures whose wording alone proves the cause; the rest the executor's own check sees. */
const PREPARATION: ReadonlySet<string> = new Set([
  'docker-registry-rate-limited',
  'docker-image-pull-failed',
  'docker-network-pool-exhausted',
  'docker-api-incompatible',
  'disk-docker-root-full',
]);
/** Whoever writes is told of a quota; nobody else can see that it is used up. */
const QUOTA = /(?: (?<path>\/\S+): )?disk quota exceeded/i;
/** Once is an accident of one job. */
const REPEATED = 2;
/** So many in a row, and none that was run between them, is no accident of jobs. */
const FAILING = 3;
/** Checks of what jobs stand on. */
const OF_THE_HOST = ['disk', 'memory', 'limits', 'cgroup', 'executor', 'service'];

export function jobCauses(picture: Picture): readonly Cause[] {
  const told: ReadonlySet<string> = new Set(executorCauses(picture).map(({ id }) => id));
  const own = picture.surroundings.runners.flatMap((runner) => [
    ...notPrepared(picture, runner).filter(({ id }) => !told.has(id)),
    ...refused(picture, runner),
    ...failing(picture, runner),
    ...held(picture, runner),
  ]);
  return [...own, ...saturated(picture)];
}

function notPrepared(picture: Picture, runner: RunnerTarget): readonly Cause[] {
  return seenOfRunner(picture, runner, 'not-prepared').flatMap((seen) => {
    const { cause = '', count, text } = seen.sighting;
    const quota = QUOTA.exec(text)?.groups;
    if (!PREPARATION.has(cause) && quota === undefined) return [];
    const stands = standsOn(picture, runner);
    const path = quota?.['path'] ?? '/';
    const where = { path, roles: `jobs of ${runner.name}`, fullness: 'out of quota' };
    return [
      drawn(picture, {
        spec: mustHave(cause),
        seen: [seen],
        scopeId: runner.id,
        runners: [runner],
        isConfirmed: count >= REPEATED,
        facts: { stands_on: stands, root: `of ${stands}`, ...where },
      }),
    ];
  });
}

/** Address of the Docker that the entry uses. */
function standsOn(picture: Picture, runner: RunnerTarget): string {
  return executorsOf(picture, runner)[0]?.check.target.id ?? 'Docker';
}

function executorsOf(picture: Picture, { id }: RunnerTarget): readonly CheckState[] {
  return picture
    .statesOf('executor')
    .filter(({ check: { target } }) => target.kind === 'executor' && target.runners.includes(id));
}

/** GitLab ends single jobs as a matter of course; a body that somebody else refuses is a fault. */
function refused(picture: Picture, runner: RunnerTarget): readonly Cause[] {
  const token = picture.tokenOf(runner);
  if (token !== undefined && isFail(token)) return [];
  return seenOfRunner(picture, runner, 'job-refused')
    .flatMap((seen) => {
      const isBlocked = seen.sighting.cause === 'job-trace-blocked' || isUnsigned(seen.sighting);
      const isRepeated = seen.sighting.count >= REPEATED;
      return [
        drawn(picture, {
          spec: mustHave(isBlocked && isRepeated ? 'job-trace-blocked' : 'job-rejected-by-server'),
          seen: [seen],
          scopeId: runner.id,
          runners: [runner],
          isConfirmed: true,
        }),
      ];
    })
    .slice(0, 1);
}

/** GitLab says how the job stands when it refuses its output; older runners log no id that would tell whose answer it was. */
function isUnsigned({ text, facts }: Sighting): boolean {
  const { status = '', job_status: jobStatus = '', correlation_id: id = '' } = facts;
  return (
    text.includes('Appending trace') && status === '403 Forbidden' && jobStatus === '' && id === ''
  );
}

/** Jobs that fail for no fault of their own, in words that prove no cause. */
function failing(picture: Picture, runner: RunnerTarget): readonly Cause[] {
  return seenOfRunner(picture, runner, 'jobs-failing').flatMap((seen) => {
    const { count } = seen.sighting;
    if (count < FAILING || isExplained(picture, runner)) return [];
    const cause = drawn(picture, {
      spec: mustHave('unknown'),
      seen: [seen],
      states: executorsOf(picture, runner),
      scopeId: runner.id,
      runners: [runner],
      isConfirmed: true,
      severity: 'warning',
    });
    const summary = `The last ${count} jobs of ${runner.name} all ended as failures of the system, not of their scripts.`;
    return [{ ...cause, summary, scope: { ...cause.scope, kind: 'runner' } }];
  });
}

/** Whatever is known to be wrong with the host or the way accounts for jobs that fail. */
function isExplained(picture: Picture, runner: RunnerTarget): boolean {
  const isHurt = OF_THE_HOST.flatMap((probe) => picture.statesOf(probe)).some(
    (state) => isFail(state) || state.finding.status === 'warn',
  );
  return (
    isHurt || notPrepared(picture, runner).length > 0 || openWay(picture, runner) === undefined
  );
}

/** A job that ended holds its slot while GitLab cannot be told; with an open way it should have been. */
function held(picture: Picture, runner: RunnerTarget): readonly Cause[] {
  const way = openWay(picture, runner);
  return seenOf(picture, 'slot-held').flatMap((seen) => {
    const { job_url: url = '', jobs } = seen.sighting.facts;
    const isOwn = String(url).startsWith(runner.url);
    const { firstAt } = seen.sighting;
    if (!isOwn || way === undefined || way.since > firstAt) return [];
    const cause = drawn(picture, {
      spec: mustHave('unknown'),
      seen: [seen],
      scopeId: runner.id,
      runners: [runner],
      isConfirmed: true,
      severity: 'notice',
    });
    const what = jobs === 1 ? 'A job has ended' : `${jobs} jobs have ended`;
    const summary = `${what}, and the runner does not let go: a slot of ${runner.name} stays taken (${url}).`;
    return [{ ...cause, summary, scope: { ...cause.scope, kind: 'runner' } }];
  });
}

/** As many jobs as may run: it does not poll, and that is right. */
function saturated(picture: Picture): readonly Cause[] {
  const seen = countedFull(picture) ?? writtenFull(picture);
  if (seen === undefined) return [];
  const { runners, unit } = picture.surroundings;
  const own = runners.filter(({ id }) => id === seen.sighting.runner);
  const { by } = seen.sighting.facts;
  return [
    drawn(picture, {
      spec: mustHave('jobs-capacity-saturated'),
      seen: [seen],
      scopeId: by === 'limit' ? (own[0]?.id ?? unit) : unit,
      runners: by === 'limit' ? own : runners,
      isConfirmed: true,
    }),
  ];
}

function countedFull(picture: Picture): Seen | undefined {
  return seenOf(picture, 'at-capacity')[0];
}

/** The last line that says how many jobs run. */
function writtenFull(picture: Picture): Seen | undefined {
  // The counters know better, where there are any.
  if (picture.statesOf('runner-metrics').some(({ finding }) => finding.status === 'pass'))
    return undefined;
  const [last] = picture
    .statesOf('runner-log')
    .flatMap((state) => (state.finding.sightings ?? []).map((sighting) => ({ state, sighting })))
    .filter(({ sighting }) => sighting.facts['builds'] !== undefined)
    .toSorted((a, b) => b.sighting.lastAt - a.sighting.lastAt);
  const started = picture.surroundings.process?.startedAt ?? 0;
  if (last === undefined || last.sighting.lastAt < started) return undefined;
  const [config] = picture.statesOf('config');
  const target = config?.check.target;
  const concurrent = target?.kind === 'config' ? target.reading.concurrent : undefined;
  const builds = Number(last.sighting.facts['builds']);
  if (concurrent === undefined || Number.isNaN(builds) || builds < concurrent) return undefined;
  const facts = { ...last.sighting.facts, jobs: builds, allowed: concurrent, by: 'concurrent' };
  return { state: last.state, sighting: { ...last.sighting, facts } };
}
