/** A runner that a systemd unit runs, of the system or of a user: its commands go through that systemd. */
import { step } from '../../core/diagnosis.ts';
import type { Limit, PlaceCommands } from '../../core/place.ts';
import { printable } from '../../core/printable.ts';
import { quoteArgument } from '../../core/shell.ts';
import { raisedLimitText } from './raised-limit.ts';
import type { RunnerCommand } from './runner-command.ts';
import { logStep, runnerCommand, upgradeStep } from './runner-command.ts';

export interface SystemdUnit extends RunnerCommand {
  /** `gitlab-runner.service`. */
  readonly unit: string;
  /** The id of the user whose systemd runs it; absent for the system's. */
  readonly ownerId?: number;
}

const PROPERTIES: Readonly<Record<Limit, string>> = {
  files: 'LimitNOFILE',
  tasks: 'TasksMax,TasksCurrent',
  memory: 'MemoryMax,MemoryCurrent',
  cpu: 'CPUQuotaPerSecUSec',
};
const SETTINGS: Readonly<Record<Limit, string>> = {
  files: 'LimitNOFILE',
  tasks: 'TasksMax',
  memory: 'MemoryMax',
  cpu: 'CPUQuota',
};

export function systemdCommands(given: SystemdUnit): PlaceCommands {
  const unit = quoteArgument(given.unit.replace(/\.service$/, ''));
  const { systemctl, change, journal } = toolsOf(given);
  const restart = `${change} restart ${unit}`;
  const restarted = step('Restart the runner.', restart);
  const edited = (text: string, command: string, line: string) => [
    step(text, `${change} ${command} ${unit}   # ${printable(line)}`),
    restarted,
  ];
  /** A user's unit has its drop-ins in a home that is not known here. */
  const setting = (text: string, line: string) =>
    given.ownerId === undefined
      ? [step(text, dropIn(given.unit, line)), restarted]
      : edited(text, 'edit', `[Service] ${line}`);
  return {
    start: `${change} enable --now ${unit}`,
    stop: `${change} stop ${unit}`,
    restart,
    reload: `${change} kill --signal=HUP --kill-who=main ${unit}`,
    processId: `"$(${systemctl} show -p MainPID --value ${unit})"`,
    runner: (words) => runnerCommand(given, words),
    showLog: (text, lines = 50) =>
      logStep(given, text, lines, `${journal}${unit} -n ${lines} --no-pager`),
    setEnvironment: (text, variables) =>
      setting(text, `Environment=${environmentArguments(variables)}`),
    enterEnvironment: (text, names) => [
      step(`${text} ${lineOf(names)}`, `${change} edit ${unit}`),
      restarted,
    ],
    upgrade: (text) => upgradeStep(given, text),
    useConfig: (text, path) =>
      edited(text, 'edit --full', `in ExecStart: --config ${quoteArgument(path)}`),
    showLimit: (text, limit) => step(text, `${systemctl} show -p ${PROPERTIES[limit]} ${unit}`),
    raiseLimit: (text, limit, present) => {
      const line = `${SETTINGS[limit]}=${raisedLimitText(limit, present)}`;
      return limit === 'files'
        ? setting(text, line)
        : [step(text, `${change} set-property ${unit} ${quoteArgument(line)}`)];
    },
  };
}

/** `change` needs the rights of the unit's owner, `systemctl` reads only. */
function toolsOf({ ownerId }: SystemdUnit) {
  if (ownerId === undefined) {
    return { systemctl: 'systemctl', change: 'sudo systemctl', journal: 'sudo journalctl -u ' };
  }
  const own = `sudo -u '#${ownerId}' XDG_RUNTIME_DIR=/run/user/${ownerId} systemctl --user`;
  return {
    systemctl: own,
    change: own,
    journal: `sudo journalctl _UID=${ownerId} --user-unit=`,
  };
}

function lineOf(names: readonly string[]): string {
  const assignments = names.map((name) => `"${name}=value"`).join(' ');
  return `The line is Environment=${assignments} below [Service].`;
}

/** Appends the line to a drop-in of the unit that is read after all others, and loads it. */
function dropIn(unit: string, line: string): string {
  const folder = quoteArgument(`/etc/systemd/system/${unit}.d`);
  const file = quoteArgument(`/etc/systemd/system/${unit}.d/zz-runnerwatch.conf`);
  const lines = `${quoteArgument('[Service]')} ${quoteArgument(line)}`;
  return `sudo mkdir -p ${folder} && printf '%s\\n' ${lines} | sudo tee -a ${file} && sudo systemctl daemon-reload`;
}

/** As systemd reads them: each assignment in double quotes, `%` doubled. */
function environmentArguments(variables: Readonly<Record<string, string>>): string {
  return Object.entries(variables)
    .map(
      ([name, value]) =>
        `"${name}=${value.replaceAll(/[\\"]/g, String.raw`\$&`).replaceAll('%', '%%')}"`,
    )
    .join(' ');
}
