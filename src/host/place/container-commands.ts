/** What a person types about a runner in a container: through the client of its engine. */
import type { FixStep } from '../../core/diagnosis.ts';
import { step } from '../../core/diagnosis.ts';
import type { ContainerManager, Engine } from '../../core/container.ts';
import type { Command, ContainerSetting, Limit, PlaceCommands } from '../../core/place.ts';
import { quoteArgument } from '../../core/shell.ts';
import { makerOf } from './container-makers.ts';
import { formsOf } from './container-setting-forms.ts';
import { limitStep, raiseLimitSteps } from './process-limits.ts';
import { raisedLimitText } from './raised-limit.ts';

export interface ContainerCommands {
  /** Absent where no engine runs it that is known. */
  readonly engine?: Engine | undefined;
  readonly name: string;
  /** Absent while it does not run. */
  readonly pid?: number | undefined;
  /** The program as its process has it. */
  readonly program: string;
  readonly manager?: ContainerManager | undefined;
}

/** With the one that only containers have. */
type ContainerPlaceCommands = PlaceCommands & Required<Pick<PlaceCommands, 'remake'>>;

export function containerCommands(given: ContainerCommands): ContainerPlaceCommands {
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

function clientCommands(given: ContainerCommands, client: string): ContainerPlaceCommands {
  const name = quoteArgument(given.name);
  const ask = (format: string): string =>
    `${client} inspect --format ${quoteArgument(format)} ${name}`;
  const processId = given.pid === undefined ? `"$(${ask('{{.State.Pid}}')})"` : String(given.pid);
  const { enter, ...own } = makerOf({ client, name, manager: given.manager });
  const { remake } = own;
  return {
    reload: `${client} kill --signal HUP ${name}`,
    processId,
    runner: (words) => `${client} exec ${name} ${quoteArgument(given.program)} ${words}`,
    showLog: (text, lines = 50) => step(text, `${client} logs --tail ${lines} ${name}`),
    ...own,
    setEnvironment: (text, variables) => remake(text, variablesOf(variables)),
    enterEnvironment: enter,
    useConfig: (text, path) => remake(text, [{ kind: 'config', path }]),
    showLimit: (text, limit) =>
      limit === 'files' ? limitStep(text, limit, processId) : step(text, ask(SHOWN[limit])),
    raiseLimit: (text, limit, present) => {
      const setting = { kind: 'limit', limit, present } as const;
      const now =
        limit === 'files'
          ? raiseFilesCommand(processId, present)
          : `${client} update ${formsOf(setting).option} ${name}`;
      const isKept = limit !== 'files' && given.manager === undefined;
      return [step(text, now), ...(isKept ? [] : remake(KEPT, [setting]))];
    },
  };
}

const KEPT = 'To keep that limit when its container is made anew:';

function variablesOf(variables: Readonly<Record<string, string>>): readonly ContainerSetting[] {
  return Object.entries(variables).map(([name, value]) => ({ kind: 'variable', name, value }));
}

/** What `inspect` shows of a limit. */
const SHOWN: Readonly<Record<Exclude<Limit, 'files'>, string>> = {
  tasks: '{{.HostConfig.PidsLimit}}',
  memory: '{{.HostConfig.Memory}}',
  cpu: '{{.HostConfig.NanoCpus}} {{.HostConfig.CpuQuota}}',
};

function raiseFilesCommand(processId: string, present: number | undefined): Command {
  const raised = raisedLimitText('files', present);
  return `sudo prlimit --pid ${processId} --nofile=${raised}:${raised}`;
}

/** Kubernetes makes its containers anew by itself; their settings lie in the cluster. */
function podCommands(given: ContainerCommands): ContainerPlaceCommands {
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
    remake: (text) => [inCluster(text)],
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
function plainCommands(given: ContainerCommands): ContainerPlaceCommands {
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
    remake: (text) => [byHand(text)],
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
