/** Causes in the container that a runner lives in, as its engine reports them. */
import type { CauseContext, CauseSpec } from '../cause-spec.ts';
import type { Command } from '../../core/place.ts';
import type { FixStep } from '../../core/diagnosis.ts';
import { step } from '../../core/diagnosis.ts';
import { quoteArgument } from '../../core/shell.ts';
import { family, onHost } from '../cause-spec.ts';

const containerCause = family({
  severity: 'critical',
  scope: 'service',
  resolvedWhen: 'the service check passes again',
});

/** Nothing else can be said of a runner that is not there. */
const NOT_THERE = ['runner-not-running'];

/** The client of its engine; the docs show that of Docker. */
function client(c: CauseContext, verb: string): Command {
  const words = `${verb} ${quoteArgument(c.fact('container'))}`;
  return c.place.container?.client(words) ?? `sudo docker ${words}`;
}

const start = (c: CauseContext): Command =>
  c.place.container === undefined ? client(c, 'start') : c.place.commands.start;

const showLog = (c: CauseContext): FixStep => {
  const text = 'Read the reason in the last lines of its log.';
  return c.place.container === undefined
    ? step(text, client(c, 'logs --tail 50'))
    : c.place.commands.showLog(text);
};

const lint = (c: CauseContext) =>
  step('Check that config.toml loads.', `sudo runnerwatch lint ${onHost(c, c.config)}`);

/** ` with exit code 1 at …: "FATAL: …"` */
function endOf(c: CauseContext): string {
  const [at, line] = [c.optional('ended_at'), c.optional('last_line')];
  const when = at === undefined ? '' : ` at ${at}`;
  return `with exit code ${c.fact('exit_code')}${when}${line === undefined ? '' : `; its last line: ${line}`}`;
}

export const CONTAINER_CAUSES: readonly CauseSpec[] = [
  containerCause({
    id: 'container-removed',
    title: "The runner's container was removed",
    meaning:
      'Its engine does not know the container any more, so nothing starts the runner again. What was only inside of it is lost; its volumes and folders of the host are not.',
    evidence: 'The engine answers that there is no such container, several times in a row.',
    notConfusedWith: ['container-stopped'],
    changedBy: [],
    from: ['service/container-removed'],
    says: (c) => `the container ${c.fact('container')} of the runner was removed`,
    fix: (c) => [
      ...makeAgain(c),
      step('Show which other containers are there.', listContainers(c)),
    ],
    suppresses: NOT_THERE,
  }),
  containerCause({
    id: 'container-never-started',
    title: "The runner's container was made and never started",
    meaning:
      'It was created only, or its first start failed: a port is in use, a folder to mount is missing, a network is gone.',
    evidence: 'The state "created" at its engine, with the error of the start where there was one.',
    notConfusedWith: ['container-stopped', 'container-restart-loop'],
    changedBy: [],
    from: ['service/container-never-started'],
    says: (c) => {
      const why = c.optional('message');
      const said = why === undefined ? '' : `: ${why}`;
      return `the container ${c.fact('container')} of the runner was never started${said}`;
    },
    fix: (c) => [step('Start it; an error of the start is shown.', start(c))],
    suppresses: NOT_THERE,
  }),
  containerCause({
    id: 'container-out-of-memory',
    title: "The runner's container was killed for lack of memory",
    meaning:
      'The kernel killed a process of the container when it had used all the memory that the container may use, and the container ended with it.',
    evidence: 'OOMKilled in the state of the container at its engine.',
    notConfusedWith: ['memory-oom-killed', 'memory-pressure'],
    changedBy: [],
    from: ['service/container-out-of-memory'],
    says: (c) =>
      `the container ${c.fact('container')} of the runner was killed: it used all the memory that it may use`,
    fix: (c) => [...raiseMemory(c), step('Start it again.', start(c)), showLog(c)],
    suppresses: [...NOT_THERE, 'memory-oom-killed', 'runner-crash-loop'],
  }),
  containerCause({
    id: 'container-restart-loop',
    title: "The runner's container starts and ends again and again",
    meaning: 'Each time it ends, its engine starts it again, so it seems to run most of the time.',
    evidence:
      'Three automatic restarts of the container by its engine, which waits for the next one or has made them within a quarter of an hour.',
    notConfusedWith: ['config-syntax-error', 'config-type-error', 'container-out-of-memory'],
    from: ['service/container-restart-loop'],
    says: (c) => {
      const ended = c.optional('exit_code') === undefined ? '' : `, ${endOf(c)}`;
      return `the container ${c.fact('container')} of the runner starts and ends again and again${ended}`;
    },
    fix: (c) => [showLog(c), lint(c)],
    suppresses: [...NOT_THERE, 'runner-crash-loop'],
  }),
  containerCause({
    id: 'container-paused',
    title: "The runner's container is paused",
    meaning: 'All its processes are frozen: they exist, and do nothing. No signal wakes them.',
    evidence: 'The state "paused" at its engine.',
    notConfusedWith: ['runner-hung'],
    changedBy: [],
    from: ['service/container-paused'],
    says: (c) => `the container ${c.fact('container')} of the runner is paused`,
    fix: (c) => [step('Let it go on.', client(c, 'unpause'))],
    suppresses: [...NOT_THERE, 'runner-hung'],
  }),
  containerCause({
    id: 'container-stopped',
    title: "The runner's container has stopped",
    meaning:
      'The container is there, its process has ended, and its engine does not start it again.',
    evidence: 'The state "exited" at its engine, with the exit code.',
    notConfusedWith: ['container-removed', 'container-restart-loop', 'container-out-of-memory'],
    changedBy: [],
    from: ['service/container-stopped'],
    says: (c) => `the container ${c.fact('container')} of the runner has stopped, ${endOf(c)}`,
    fix: (c) => [step('Start it.', start(c)), showLog(c), ...startAfterEnd(c)],
    suppresses: NOT_THERE,
  }),
  containerCause({
    id: 'container-unhealthy',
    severity: 'warning',
    title: "The runner's container is unhealthy by its own check",
    meaning:
      'The container has a health check of its own, which fails. The runner in it may work all the same; what starts containers by their health will replace it.',
    evidence: 'The health of the container at its engine, with the output of the last check.',
    notConfusedWith: ['runner-hung'],
    changedBy: [],
    from: ['service/container-unhealthy'],
    says: (c) => {
      const said = c.optional('message');
      const why = said === undefined ? '' : `: ${said}`;
      return `the container ${c.fact('container')} of the runner is unhealthy by its own check${why}`;
    },
    fix: (c) => [
      step(
        'Show the check and its last results.',
        client(c, "inspect --format '{{json .Config.Healthcheck}} {{json .State.Health}}'"),
      ),
      showLog(c),
    ],
  }),
];

/** Without a limit of its own it was the host that had none left. */
function raiseMemory(c: CauseContext): readonly FixStep[] {
  const limit = c.optional('memory_limit');
  if (limit === undefined) {
    return [
      step('Find what uses the memory of this host.', 'ps -eo rss,pid,cmd --sort=-rss | head'),
    ];
  }
  const text = `It may use ${limit} bytes. Let it use at least twice as much.`;
  const { container, commands } = c.place;
  if (container === undefined)
    return [step(text, client(c, `update --memory ${quoteArgument(limit)} --memory-swap -1`))];
  const bytes = Number(limit);
  const present = Number.isNaN(bytes) ? undefined : bytes;
  // What makes it anew may have removed the one that was killed.
  const remade = container.isMade
    ? commands.remake?.(text, [{ kind: 'limit', limit: 'memory', present }])
    : undefined;
  return remade ?? commands.raiseLimit(text, 'memory', present);
}

/** What made it makes it again; a person has to know how it was made. */
function makeAgain(c: CauseContext): readonly FixStep[] {
  const text = `Make it again, with the same config folder; the file of the runner was ${c.place.hostPath(c.config)}.`;
  return c.place.commands.remake?.(text, []) ?? [step(`${text} It has its former settings.`)];
}

function startAfterEnd(c: CauseContext): readonly FixStep[] {
  const text = 'To have it started after each end but one by a person, set a restart policy.';
  return c.place.container?.isMade === true
    ? (c.place.commands.remake?.(text, [{ kind: 'restarts' }]) ?? [])
    : [step(text, client(c, 'update --restart unless-stopped'))];
}

function listContainers(c: CauseContext): Command {
  return c.place.container?.client('ps --all') ?? 'sudo docker ps --all';
}
