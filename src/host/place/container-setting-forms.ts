/** A setting of a container as each of those that make containers takes it. */
import type { ContainerSetting } from '../../core/place.ts';
import { quoteArgument } from '../../core/shell.ts';
import { raisedLimit, raisedLimitText } from './raised-limit.ts';

export interface SettingForms {
  /** Of `docker run` and `podman run`, quoted. */
  readonly option: string;
  /** Of a service in a compose file. */
  readonly compose: string;
  /** Of `docker service update`, quoted. */
  readonly swarm: string;
  /** A section of a .container file, and the line in it. */
  readonly quadlet: readonly [section: '[Container]' | '[Service]', line: string];
}

export function formsOf(setting: ContainerSetting): SettingForms {
  switch (setting.kind) {
    case 'variable':
      return variableForms(setting.name, setting.value);
    case 'config':
      return configForms(setting.path);
    case 'limit':
      return limitForms(setting);
    case 'mount': {
      const { source, target, replaces } = setting;
      const bound = `${source}:${target}`;
      const removed = replaces === undefined ? '' : `--mount-rm ${quoteArgument(replaces)} `;
      const instead = replaces === undefined ? '' : ` in place of that at ${replaces}`;
      return {
        option: `-v ${quoteArgument(bound)}${instead}`,
        compose: `volumes: [${yamlText(bound)}]${instead}`,
        swarm: `${removed}--mount-add ${quoteArgument(`type=bind,source=${source},target=${target}`)}`,
        // systemd's quotes are none there.
        quadlet: ['[Container]', `Volume=${bound.replaceAll('%', '%%')}`],
      };
    }
    case 'group':
      return {
        option: `--group-add ${setting.id}`,
        compose: `group_add: ["${setting.id}"]`,
        swarm: `--group-add ${setting.id}`,
        quadlet: ['[Container]', `PodmanArgs=--group-add ${setting.id}`],
      };
    case 'restarts':
      return {
        option: '--restart unless-stopped',
        compose: 'restart: unless-stopped',
        swarm: '--restart-condition any',
        quadlet: ['[Service]', 'Restart=always'],
      };
  }
}

function variableForms(name: string, value: string): SettingForms {
  const assignment = `${name}=${value}`;
  return {
    option: `-e ${name}=${quoteArgument(value)}`,
    compose: `environment: { ${name}: ${yamlText(value)} }`,
    swarm: `--env-add ${quoteArgument(assignment)}`,
    quadlet: ['[Container]', `Environment=${unitText(assignment)}`],
  };
}

function configForms(path: string): SettingForms {
  const command = `run --config ${quoteArgument(path)}`;
  return {
    option: `the command ${command}`,
    compose: `command: ["run", "--config", ${yamlText(path)}]`,
    swarm: `--args ${quoteArgument(command)}`,
    quadlet: ['[Container]', `Exec=run --config ${unitText(path)}`],
  };
}

function limitForms({
  limit,
  present,
}: Extract<ContainerSetting, { readonly kind: 'limit' }>): SettingForms {
  const raised = String(raisedLimit(limit, present));
  const text = raisedLimitText(limit, present);
  const both = `nofile=${raised}:${raised}`;
  const forms: Readonly<Record<typeof limit, Omit<SettingForms, 'quadlet'>>> = {
    files: {
      option: `--ulimit ${both}`,
      compose: `ulimits: { nofile: ${raised} }`,
      swarm: `--ulimit-add ${both}`,
    },
    tasks: {
      option: `--pids-limit ${raised}`,
      compose: `pids_limit: ${raised}`,
      swarm: `--limit-pids ${raised}`,
    },
    memory: {
      option: `--memory ${text} --memory-swap -1`,
      compose: `mem_limit: ${text}, memswap_limit: -1`,
      swarm: `--limit-memory ${text}`,
    },
    cpu: { option: `--cpus ${raised}`, compose: `cpus: ${raised}`, swarm: `--limit-cpu ${raised}` },
  };
  const own = forms[limit];
  return { ...own, quadlet: ['[Container]', `PodmanArgs=${own.option}`] };
}

/** In double quotes YAML reads it like JSON; compose replaces variables in it. */
function yamlText(value: string): string {
  return JSON.stringify(value).replaceAll('$', '$$$$');
}

/** As systemd reads a line: in double quotes, `%` doubled. */
function unitText(value: string): string {
  return `"${value.replaceAll(/[\\"]/g, String.raw`\$&`).replaceAll('%', '%%')}"`;
}
