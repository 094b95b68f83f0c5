/** What a person types about a host: with systemd or without it, by the package manager that is there. */
import type { HostCommands } from '../../core/place.ts';
import { quoteArgument } from '../../core/shell.ts';

export type PackageManager = 'apt-get' | 'dnf' | 'yum' | 'zypper' | 'apk';

export interface HostFacts {
  readonly hasSystemd: boolean;
  /** Absent where none of those that GitLab packages for is there. */
  readonly packageManager?: PackageManager;
}

const INSTALL: Readonly<Record<PackageManager, string>> = {
  'apt-get': 'sudo apt-get update && sudo apt-get install',
  dnf: 'sudo dnf install',
  yum: 'sudo yum install',
  zypper: 'sudo zypper install',
  apk: 'sudo apk add --upgrade',
};

export function hostCommands({ hasSystemd, packageManager }: HostFacts): HostCommands {
  const install = INSTALL[packageManager ?? 'apt-get'];
  return {
    ...(hasSystemd ? WITH_SYSTEMD : WITHOUT_SYSTEMD),
    install: (name) => `${install} ${quoteArgument(name)}`,
  };
}

const WITH_SYSTEMD: Omit<HostCommands, 'install'> = {
  restartResolver: 'sudo systemctl restart systemd-resolved',
  shrinkLogs: 'sudo journalctl --vacuum-size=500M',
  showClock: 'date -u; timedatectl',
  setClock: 'sudo timedatectl set-ntp true',
};

const WITHOUT_SYSTEMD: Omit<HostCommands, 'install'> = {
  restartResolver: 'sudo service dnsmasq restart || sudo service unbound restart',
  shrinkLogs: 'sudo logrotate --force /etc/logrotate.conf',
  showClock: 'date -u',
  setClock: 'sudo chronyc makestep || sudo ntpd -gq',
};
