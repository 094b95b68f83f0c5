/** What a person types about a runner in a container: through the client of its engine. */
import type { FixStep } from '../../core/diagnosis.ts';
import { step } from '../../core/diagnosis.ts';
import type { Engine } from '../../core/container.ts';
import type { Limit, PlaceCommands } from '../../core/place.ts';
import { quoteArgument } from '../../core/shell.ts';
import { limitStep, raiseLimitSteps } from './process-limits.ts';
import { raisedLimit, raisedLimitText } from './raised-limit.ts';

export interface ContainerCommands {
  /** Absent where no engine runs it that is known. */
  readonly engine?: Engine | undefined;
  readonly name: string;
  /** Absent while it does not run. */
  readonly pid?: number | undefined;
  /** The program as its process has it. */
  readonly program: string;
}

const ANEW = 'That takes a new container, a restart is not enough:';

export function containerCommands(given: ContainerCommands): PlaceCommands {
  switch (given.engine) {
    case 'docker':
      return clientCommands(given, 'sudo docker');
    case 'podman':
      return clientCommands(given, 'sudo podman');
    case 'containerd':
    case 'cri-o':
      return podCommands(given);
    case undefined:
      return plainCommands(given);
  }
}

function clientCommands(given: ContainerCommands, client: string): PlaceCommands {
  const name = quoteArgument(given.name);
  const ask = (format: string): string =>
    `${client} inspect --format ${quoteArgument(format)} ${name}`;
  const processId = given.pid === undefined ? `"$(${ask('{{.State.Pid}}')})"` : String(given.pid);
  return {
    start: `${client} start ${name}`,
    stop: `${client} stop ${name}`,
    restart: `${client} restart ${name}`,
    reload: `${client} kill --signal HUP ${name}`,
    processId,
    runner: (words) => `${client} exec ${name} ${quoteArgument(given.program)} ${words}`,
    showLog: (text, lines = 50) => step(text, `${client} logs --tail ${lines} ${name}`),
    ...settingsOfContainer(ask('{{.Config.Image}}'), ask('{{json .Config.Env}}')),
    showLimit: (text, limit) =>
      limit === 'files' ? limitStep(text, limit, processId) : step(text, ask(LIMITS[limit].shown)),
    raiseLimit: (text, limit, present) => {
      if (limit === 'files') return raiseFiles(text, processId, present);
      const options = LIMITS[limit].options(limit, present);
      return [step(text, `${client} update ${options} ${name}`)];
    },
  };
}

interface LimitOfContainer {
  /** What `inspect` shows of it. */
  readonly shown: string;
  options(limit: Limit, present: number | undefined): string;
}

const LIMITS: Readonly<Record<Exclude<Limit, 'files'>, LimitOfContainer>> = {
  tasks: {
    shown: '{{.HostConfig.PidsLimit}}',
    options: (limit, present) => `--pids-limit ${raisedLimit(limit, present)}`,
  },
  memory: {
    shown: '{{.HostConfig.Memory}}',
    options: (limit, present) => `--memory ${raisedLimitText(limit, present)} --memory-swap -1`,
  },
  cpu: {
    shown: '{{.HostConfig.NanoCpus}} {{.HostConfig.CpuQuota}}',
    options: (limit, present) => `--cpus ${raisedLimit(limit, present)}`,
  },
};

/** What only a new container has. */
function settingsOfContainer(
  showImage: string,
  showEnvironment: string,
): Pick<PlaceCommands, 'setEnvironment' | 'enterEnvironment' | 'upgrade' | 'useConfig'> {
  return {
    setEnvironment: (text, variables) => {
      const options = Object.entries(variables)
        .map(([variable, value]) => `-e ${variable}=${quoteArgument(value)}`)
        .join(' ');
      return [step(`${text} ${ANEW} make it with ${options}.`, showEnvironment)];
    },
    enterEnvironment: (text, names) => [
      step(`${text} ${ANEW} make it with a new value of ${names.join(', ')}.`, showEnvironment),
    ],
    upgrade: (text) => step(`${text} ${ANEW} make it from a newer image than this one.`, showImage),
    useConfig: (text, path) => [
      step(`${text} ${ANEW} its command is run --config ${quoteArgument(path)}.`),
    ],
  };
}

function raiseFiles(
  text: string,
  processId: string,
  present: number | undefined,
): readonly FixStep[] {
  const raised = raisedLimitText('files', present);
  return [
    step(text, `sudo prlimit --pid ${processId} --nofile=${raised}:${raised}`),
    step(`For the next start, make the container anew with --ulimit nofile=${raised}.`),
  ];
}

/** Kubernetes makes its containers anew by itself; their settings lie in the cluster. */
function podCommands(given: ContainerCommands): PlaceCommands {
  const name = quoteArgument(given.name);
  const client = 'sudo crictl';
  const processId = processIdOf(given);
  return {
    start: `${client} ps --all --id ${name}`,
    stop: `${client} stop ${name}`,
    restart: `${client} stop ${name}`,
    reload: `sudo kill -HUP ${processId}`,
    processId,
    runner: (words) => `${client} exec ${name} ${quoteArgument(given.program)} ${words}`,
    showLog: (text, lines = 50) => step(text, `${client} logs --tail ${lines} ${name}`),
    setEnvironment: (text) => [inCluster(text)],
    enterEnvironment: (text) => [inCluster(text)],
    upgrade: inCluster,
    useConfig: (text) => [inCluster(text)],
    showLimit: (text, limit) => limitStep(text, limit, processId),
    raiseLimit: (text) => [inCluster(text)],
  };
}

function inCluster(text: string): FixStep {
  return step(`${text} Its settings are those of its pod: change them in the cluster.`);
}

/** Nothing on this host is known to start it again. */
function plainCommands(given: ContainerCommands): PlaceCommands {
  const processId = processIdOf(given);
  const byHand = (text: string): FixStep =>
    step(`${text} Change it where the container in ${given.name} is started.`);
  const inside = `sudo nsenter --target ${processId} --all --`;
  const again = `# then start the container in ${given.name} as it was started before`;
  return {
    start: again.replace('then start', 'start'),
    stop: `sudo kill ${processId}`,
    restart: `sudo kill ${processId}   ${again}`,
    reload: `sudo kill -HUP ${processId}`,
    processId,
    runner: (words) => `${inside} ${quoteArgument(given.program)} ${words}`,
    showLog: (text) => step(`${text} It goes where the container in ${given.name} was started.`),
    setEnvironment: (text) => [byHand(text)],
    enterEnvironment: (text) => [byHand(text)],
    upgrade: byHand,
    useConfig: (text) => [byHand(text)],
    showLimit: (text, limit) => limitStep(text, limit, processId),
    raiseLimit: (text, limit, present) => raiseLimitSteps(text, limit, { processId, present }),
  };
}

function processIdOf({ pid }: ContainerCommands): string {
  return pid === undefined ? `"$(pgrep -of 'gitlab-runner.* run')"` : String(pid);
}
