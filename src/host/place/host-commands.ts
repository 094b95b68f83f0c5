/** What a person types about a host: with systemd or without it, by the package manager that is there. */
import type { HostCommands } from '../../core/place.ts';
import type { FixStep } from '../../core/diagnosis.ts';
import { step } from '../../core/diagnosis.ts';
import { editFile, quoteArgument } from '../../core/shell.ts';
import type { ResolverWriter } from './resolver-writer.ts';
import { RESOLV_CONF } from './resolver-writer.ts';

export type PackageManager = 'apt-get' | 'dnf' | 'yum' | 'zypper' | 'apk';

export interface HostFacts {
  readonly hasSystemd: boolean;
  /** Absent where none of those that GitLab packages for is there. */
  readonly packageManager?: PackageManager;
  /** What writes /etc/resolv.conf; absent where a person does. */
  readonly resolverWriter?: ResolverWriter;
}

const INSTALL: Readonly<Record<PackageManager, string>> = {
  'apt-get': 'sudo apt-get update && sudo apt-get install',
  dnf: 'sudo dnf install',
  yum: 'sudo yum install',
  zypper: 'sudo zypper install',
  apk: 'sudo apk add --upgrade',
};

export function hostCommands(facts: HostFacts): HostCommands {
  const { hasSystemd, packageManager } = facts;
  const install = INSTALL[packageManager ?? 'apt-get'];
  return {
    ...(hasSystemd ? WITH_SYSTEMD : WITHOUT_SYSTEMD),
    install: (name) => `${install} ${quoteArgument(name)}`,
    editResolver: (text, ...scripts) => changeResolver(facts, text, editOf(scripts)),
    writeResolver: (text, lines) => changeResolver(facts, text, writeOf(lines)),
  };
}

type Settled = Omit<HostCommands, 'install' | 'editResolver' | 'writeResolver'>;

const WITH_SYSTEMD: Settled = {
  restartResolver: 'sudo systemctl restart systemd-resolved',
  shrinkLogs: 'sudo journalctl --vacuum-size=500M',
  showClock: 'date -u; timedatectl',
  setClock: 'sudo timedatectl set-ntp true',
};

const WITHOUT_SYSTEMD: Settled = {
  restartResolver: 'sudo service dnsmasq restart || sudo service unbound restart',
  shrinkLogs: 'sudo logrotate --force /etc/logrotate.conf',
  showClock: 'date -u',
  setClock: 'sudo chronyc makestep || sudo ntpd -gq',
};

/** Where a program writes the file, an edit is lost at its next change. */
function changeResolver(
  { resolverWriter: writer }: HostFacts,
  text: string,
  command: string,
): FixStep {
  return writer === undefined
    ? step(text, command)
    : step(`${text} ${writer.name} writes ${RESOLV_CONF}: set it ${writer.where}.`);
}

function editOf(scripts: readonly string[]): string {
  return editFile(RESOLV_CONF, scripts);
}

function writeOf(lines: readonly string[]): string {
  const words = lines.map((line) => quoteArgument(line.trimEnd())).join(' ');
  return String.raw`printf '%s\n' ${words} | sudo tee ${RESOLV_CONF} >/dev/null`;
}
