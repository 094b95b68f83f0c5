/**
 * What makes a container anew, and how a person changes what it makes: a person by hand, compose, a swarm or a unit of
 * systemd. Of a compose file and of a unit only the place is named and the line; a swarm takes the change itself.
 */
import type {
  ComposeService,
  ContainerManager,
  ContainerUnit,
  SwarmService,
} from '../../core/container.ts';
import type { FixStep } from '../../core/diagnosis.ts';
import { step } from '../../core/diagnosis.ts';
import type { Command, ContainerSetting, PlaceCommands } from '../../core/place.ts';
import { printable } from '../../core/printable.ts';
import { quoteArgument } from '../../core/shell.ts';
import { formsOf } from './container-setting-forms.ts';

export interface Maker extends Pick<PlaceCommands, 'start' | 'stop' | 'restart' | 'upgrade'> {
  /** Makes it anew, with these settings. */
  readonly remake: (text: string, settings: readonly ContainerSetting[]) => readonly FixStep[];
  /** The same with variables that only the person knows. */
  readonly enter: (text: string, names: readonly string[]) => readonly FixStep[];
  readonly showLog?: PlaceCommands['showLog'];
}

/** A change beside its description is lost when it is made anew. */
export function isMadeByProgram(manager: ContainerManager | undefined): boolean {
  return manager !== undefined && (manager.kind !== 'unit' || manager.makesContainer);
}

/** Where its name servers are set, for a sentence. */
export function makingPlaceOf(manager: ContainerManager | undefined): string {
  switch (manager?.kind) {
    case 'compose': {
      const { service, project, files } = manager;
      const file = files.length === 0 ? `the file of the project ${project}` : files.join(' or ');
      return `by dns and dns_search of the service ${service} in ${file}`;
    }
    case 'swarm':
      return `by the options --dns-add and --dns-search-add of docker service update ${manager.service}`;
    case 'unit':
      return manager.quadlet === undefined
        ? `by --dns and --dns-search of podman run in ${manager.unit}`
        : `by DNS= and DNSSearch= in ${manager.quadlet}`;
    case undefined:
      return 'where the container is made (--dns, --dns-search)';
  }
}

/** Where further lines of its /etc/hosts are set; with the network of the host it begins as a copy of that of the host. */
export function hostsPlaceOf(manager: ContainerManager | undefined): string {
  switch (manager?.kind) {
    case 'compose': {
      const { service, project, files } = manager;
      const file = files.length === 0 ? `the file of the project ${project}` : files.join(' or ');
      return `in extra_hosts of the service ${service} in ${file}`;
    }
    case 'swarm':
      return `by --host-add and --host-rm of docker service update ${manager.service}`;
    case 'unit':
      return manager.quadlet === undefined
        ? `in --add-host of podman run in ${manager.unit}`
        : `in AddHost= in ${manager.quadlet}`;
    case undefined:
      return 'in --add-host where the container is made, or in /etc/hosts of this host if it has the network of this host';
  }
}

/** The container by its name, and the client of its engine. */
interface Named {
  readonly client: Command;
  /** Quoted. */
  readonly name: string;
  readonly manager?: ContainerManager | undefined;
}

const ANEW = 'That takes a new container, a restart is not enough:';
const MADE = 'Make its container anew with it; a restart is not enough.';

export function makerOf(named: Named): Maker {
  const { manager } = named;
  switch (manager?.kind) {
    case 'compose':
      return composeMaker(named, manager);
    case 'swarm':
      return swarmMaker(manager);
    case 'unit':
      return manager.makesContainer
        ? unitMaker(named, manager)
        : { ...personMaker(named), ...unitCommands(manager) };
    case undefined:
      return personMaker(named);
  }
}

function personMaker({ client, name }: Named): Maker {
  const ask = (format: string): Command =>
    `${client} inspect --format ${quoteArgument(format)} ${name}`;
  const showEnvironment = ask('{{json .Config.Env}}');
  return {
    start: `${client} start ${name}`,
    stop: `${client} stop ${name}`,
    restart: `${client} restart ${name}`,
    remake: (text, settings) => {
      if (settings.length === 0) return [step(`${text} It has to be made as it was made before.`)];
      const options = settings.map((setting) => formsOf(setting).option).join(' ');
      const isVariable = settings.every(({ kind }) => kind === 'variable');
      const shown = isVariable ? showEnvironment : ask('{{json .HostConfig}}');
      return [step(`${text} ${ANEW} make it with ${options}.`, shown)];
    },
    enter: (text, names) => [
      step(`${text} ${ANEW} make it with a new value of ${names.join(', ')}.`, showEnvironment),
    ],
    upgrade: (text) =>
      step(`${text} ${ANEW} make it from a newer image than this one.`, ask('{{.Config.Image}}')),
  };
}

function composeMaker(named: Named, manager: ComposeService): Maker {
  const { program, project, service, isHere } = manager;
  const client = clientOf(manager);
  const by = (words: string): Command => `${client} ${words} ${quoteArgument(service)}`;
  // podman-compose does nothing without its file.
  const isUsable = isHere || program.startsWith('docker ') || program === 'podman compose';
  if (!isUsable) return withoutFile(personMaker(named), manager);
  const up = by('up -d');
  const own = { stop: by('stop'), restart: by('restart') };
  if (!isHere) return withoutFile({ ...personMaker(named), ...own, start: by('start') }, manager);
  const where = `In ${manager.files.join(' or ')}, at the service ${service} of the project ${project}`;
  const edit = `sudoedit ${manager.files.map((file) => quoteArgument(file)).join(' ')}`;
  const changed = (text: string): readonly FixStep[] => [step(text, edit), step(MADE, up)];
  return {
    ...own,
    start: up,
    remake: (text, settings) => {
      if (settings.length === 0) return [step(text, by('up -d --force-recreate'))];
      const lines = settings.map((setting) => printable(formsOf(setting).compose)).join('; ');
      return changed(`${text} ${where}: ${lines}`);
    },
    enter: (text, names) => changed(`${text} ${where}: environment with ${names.join(', ')}.`),
    upgrade: (text) =>
      step(
        `${text} ${where}, a fixed version of the image is replaced first.`,
        `${by('pull')} && ${up}`,
      ),
  };
}

/** Portainer and pipelines keep the file elsewhere. */
function withoutFile(maker: Maker, { project, service, files }: ComposeService): Maker {
  const named = files.length === 0 ? '' : ` (${files.join(', ')}, which is not on this host)`;
  const where = `the service ${service} where the project ${project} is deployed${named}`;
  const changed = (text: string, what: string): readonly FixStep[] => [
    step(`${text} ${ANEW} change ${where}: ${what}.`),
  ];
  return {
    ...maker,
    remake: (text, settings) =>
      settings.length === 0
        ? [step(`${text} Deploy ${where}.`)]
        : changed(text, settings.map((setting) => printable(formsOf(setting).compose)).join('; ')),
    enter: (text, names) => changed(text, `environment with ${names.join(', ')}`),
    upgrade: (text) => step(`${text} ${ANEW} change ${where}: a newer image.`),
  };
}

/** With all that it was started with, since compose makes anew what it finds changed. */
function clientOf(manager: ComposeService): Command {
  const { program, project, directory, files, environmentFiles, isHere } = manager;
  const start = `sudo ${program} -p ${quoteArgument(project)}`;
  if (!isHere) return start;
  const hasDirectory = directory !== undefined && program !== 'podman-compose';
  const options = [
    ...(hasDirectory ? [`--project-directory ${quoteArgument(directory)}`] : []),
    ...files.map((file) => `-f ${quoteArgument(file)}`),
    ...environmentFiles.map((file) => `--env-file ${quoteArgument(file)}`),
  ];
  return [start, ...options].join(' ');
}

/** It replaces a task that has ended, and starts none of them again. */
function swarmMaker({ service, stack, isManager }: SwarmService): Maker {
  const name = quoteArgument(service);
  const onManager = isManager ? '' : '   # on a manager of the swarm';
  const by = (words: string): Command => `sudo docker service ${words}${onManager}`;
  const update = (options: string): Command => by(`update ${options} ${name}`);
  const file =
    stack === undefined
      ? ''
      : ` Write it into the file of the stack ${stack}, too: its next deployment takes this change back.`;
  const image = `"$(sudo docker service inspect --format '{{index (split .Spec.TaskTemplate.ContainerSpec.Image "@") 0}}' ${name})"`;
  const none = `sudo docker service inspect --format '{{json .Spec.Mode}}' ${name} | grep -q '"Replicas":0}'`;
  return {
    // One that was scaled to none has to be scaled again.
    start: update(`--force $(${none} && echo --replicas 1)`),
    stop: by(`scale ${name}=0`),
    restart: update('--force'),
    remake: (text, settings) => {
      const options = settings.map((setting) => formsOf(setting).swarm);
      const isPlain = options.length === 0;
      return [
        step(isPlain ? text : `${text}${file}`, update(isPlain ? '--force' : options.join(' '))),
      ];
    },
    enter: (text, names) => {
      const questions = names.map((one) => `printf '${one}: ' && read -r ${one}`).join(' && ');
      const options = names.map((one) => `--env-add ${one}="$${one}"`).join(' ');
      const asking = `(${questions} && sudo docker service update ${options} ${name})${onManager}`;
      return [step(`${text}${file} The command asks for the value first.`, asking)];
    },
    upgrade: (text) =>
      step(
        `${text}${file} A fixed version of the image is replaced first.`,
        update(`--image ${image}`),
      ),
  };
}

function unitCommands({ unit, quadlet }: ContainerUnit): Pick<Maker, 'start' | 'stop' | 'restart'> {
  const name = quoteArgument(unit.replace(/\.service$/, ''));
  return {
    // What is generated is not enabled: its file says when it is started.
    start: `sudo systemctl ${quadlet === undefined ? 'enable --now' : 'start'} ${name}`,
    stop: `sudo systemctl stop ${name}`,
    restart: `sudo systemctl restart ${name}`,
  };
}

function unitMaker({ client, name }: Named, manager: ContainerUnit): Maker {
  const { unit, quadlet } = manager;
  const own = unitCommands(manager);
  const plain = quoteArgument(unit.replace(/\.service$/, ''));
  const common: Pick<Maker, 'start' | 'stop' | 'restart' | 'upgrade' | 'showLog'> = {
    ...own,
    // Its container is removed when it ends, and what the engine keeps of its log with it.
    showLog: (text, lines = 50) => step(text, `sudo journalctl -u ${plain} -n ${lines} --no-pager`),
    upgrade: (text) =>
      step(
        `${text} A fixed version of the image in ${quadlet ?? unit} is replaced first.`,
        `${client} pull "$(${client} inspect --format '{{.ImageName}}' ${name})" && ${own.restart}`,
      ),
  };
  return quadlet === undefined
    ? { ...common, ...ofRunUnit(unit, own) }
    : { ...common, ...ofQuadlet(unit, quadlet, own) };
}

type Changes = Pick<Maker, 'remake' | 'enter'>;

/** A line that comes later holds; one of the unit itself would not reach the container. */
function ofQuadlet(unit: string, quadlet: string, own: Pick<Maker, 'restart'>): Changes {
  const file = quoteArgument(quadlet);
  const loaded = `sudo systemctl daemon-reload && ${own.restart}`;
  const made = step(`Generate ${unit} from it again, and make the container anew.`, loaded);
  return {
    remake: (text, settings) => {
      if (settings.length === 0) return [step(text, own.restart)];
      const lines = settings.flatMap((setting) => formsOf(setting).quadlet);
      const replaced = settings.flatMap((one) =>
        one.kind === 'mount' ? (one.replaces ?? []) : [],
      );
      if (replaced.length > 0) {
        const where = `In ${quadlet}, from which ${unit} is generated, write ${lines.slice(1).join('; ')} in place of the mount at ${replaced.join(' and ')}.`;
        return [step(`${text} ${where}`, `sudoedit ${file}`), made];
      }
      const words = lines.map((line) => quoteArgument(line)).join(' ');
      const append = String.raw`printf '%s\n' ${words} | sudo tee -a ${file}`;
      return [
        step(`${text} It goes into ${quadlet}, from which ${unit} is generated.`, append),
        made,
      ];
    },
    enter: (text, names) => {
      const line = names.map((name) => `"${name}=value"`).join(' ');
      const where = `It goes into ${quadlet}, from which ${unit} is generated: Environment=${line} below [Container].`;
      return [step(`${text} ${where}`, `sudoedit ${file}`), made];
    },
  };
}

/** An Environment= of the unit is that of podman, not that of the container. */
function ofRunUnit(unit: string, own: Pick<Maker, 'restart'>): Changes {
  const edit = `sudo systemctl edit --full ${quoteArgument(unit)}`;
  const made = step(MADE, own.restart);
  return {
    remake: (text, settings) => {
      if (settings.length === 0) return [step(text, own.restart)];
      const lines = settings.map((setting) => lineOfUnit(setting)).join(' ');
      return [step(`${text} In ${unit}: ${printable(lines)}`, edit), made];
    },
    enter: (text, names) => [
      step(`${text} In ${unit}: add -e ${names.join(' -e ')} to podman run in ExecStart.`, edit),
      made,
    ],
  };
}

/** systemd starts it again, not podman. */
function lineOfUnit(setting: ContainerSetting): string {
  const { option, quadlet } = formsOf(setting);
  return setting.kind === 'restarts'
    ? `write ${quadlet[1]} below ${quadlet[0]}.`
    : `add ${option} to podman run in ExecStart.`;
}
