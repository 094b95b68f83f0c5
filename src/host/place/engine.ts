/**
 * The container engine at an address of the runner: whose it is, what starts it, and how its client is pointed
 * there. A socket of a user is started by that user's systemd; an engine on another host is not started from here.
 */
import { join } from 'node:path';

import type { EngineCommands } from '../../core/place.ts';
import { quoteArgument } from '../../core/shell.ts';

export const DEFAULT_DOCKER_HOST = 'unix:///var/run/docker.sock';
/** Of the package, and of the snap. */
export const DOCKER_UNITS: readonly string[] = ['docker.service', 'snap.docker.dockerd.service'];

/** What manages the engines of a host. */
export interface EngineServices {
  /** Unit of Docker: `docker`, or `snap.docker.dockerd`; absent without systemd. */
  readonly dockerUnit?: string;
  /** Script of Docker in /etc/init.d, without systemd. */
  readonly dockerScript?: string;
  readonly hasPodmanUnit: boolean;
}

type Service = Pick<EngineCommands, 'start' | 'restart' | 'showLog'>;

/** `certificates`: folder of ca.pem, cert.pem and key.pem, as the host sees it. */
export function engineAt(
  services: EngineServices,
  address = DEFAULT_DOCKER_HOST,
  certificates?: string,
): EngineCommands {
  const uid = /^unix:\/\/(?:\/var)?\/run\/user\/(?<uid>\d+)\//.exec(address)?.groups?.['uid'];
  const isPodman = address.includes('podman') || isPodmanBehindDocker(services, address);
  const isHere = isOnThisHost(address);
  return {
    name: isPodman ? 'Podman' : 'Docker',
    isHere,
    ...(isHere ? serviceOf(isPodman, uid, services) : {}),
    ...settingsOf(isPodman, isHere, uid),
    client: (words) => `${clientOf(isPodman, address, certificates)} ${words}`,
  };
}

/** Docker on a machine that was made for jobs, as somebody there types it. */
export const ENGINE_OF_MACHINE: EngineCommands = {
  name: 'Docker',
  isHere: false,
  ...settingsOf(false, false, undefined),
  client: (words) => `${clientOf(false, DEFAULT_DOCKER_HOST, undefined)} ${words}`,
};

/** The socket of Docker is that of Podman where only Podman is installed. */
function isPodmanBehindDocker(
  { dockerUnit, dockerScript, hasPodmanUnit }: EngineServices,
  address: string,
): boolean {
  const hasDocker = dockerUnit !== undefined || dockerScript !== undefined;
  return isDefault(address) && hasPodmanUnit && !hasDocker;
}

/** The same with the link /var/run and without. */
function isDefault(address: string): boolean {
  return /^unix:\/\/(?:\/var)?\/run\/docker\.sock$/.test(address);
}

/** No option is needed where the client uses this address by default. */
function clientOf(isPodman: boolean, address: string, certificates: string | undefined): string {
  if (isDefault(address)) return isPodman ? 'sudo podman' : 'sudo docker';
  if (isPodman) return `sudo podman --url ${quoteArgument(address)}`;
  const files = [
    ['--tlscacert', 'ca.pem'],
    ['--tlscert', 'cert.pem'],
    ['--tlskey', 'key.pem'],
  ] as const;
  const tls =
    certificates === undefined
      ? ''
      : ` --tlsverify ${files.map(([flag, file]) => `${flag} ${quoteArgument(join(certificates, file))}`).join(' ')}`;
  return `sudo docker -H ${quoteArgument(address)}${tls}`;
}

/** Whatever is no socket may be another host, and so is everything that is not loopback. */
function isOnThisHost(address: string): boolean {
  return /^(?:unix|npipe):|^(?:tcp|https?):\/\/(?:localhost|127\.|\[::1\])/.test(address);
}

function serviceOf(
  isPodman: boolean,
  uid: string | undefined,
  { dockerUnit, dockerScript, hasPodmanUnit }: EngineServices,
): Service {
  if (uid !== undefined)
    return isPodman ? ofUser('podman', uid, 'podman.socket') : ofUser('docker', uid);
  if (isPodman) return hasPodmanUnit ? ofSystem('podman', 'podman.socket') : {};
  if (dockerUnit !== undefined) return ofSystem(dockerUnit, dockerUnit);
  return dockerScript === undefined ? {} : ofScript(dockerScript);
}

function ofSystem(unit: string, started: string): Service {
  return {
    start: `sudo systemctl enable --now ${quoteArgument(started)}`,
    restart: `sudo systemctl restart ${quoteArgument(unit)}`,
    showLog: `sudo journalctl -u ${quoteArgument(unit)} -n 50 --no-pager`,
  };
}

function ofUser(unit: string, uid: string, started = unit): Service {
  const systemctl = `sudo -u '#${uid}' XDG_RUNTIME_DIR=/run/user/${uid} systemctl --user`;
  return {
    start: `${systemctl} enable --now ${quoteArgument(started)}`,
    restart: `${systemctl} restart ${quoteArgument(unit)}`,
    showLog: `sudo journalctl _UID=${uid} _SYSTEMD_USER_UNIT=${quoteArgument(unit)}.service -n 50 --no-pager`,
  };
}

function ofScript(script: string): Service {
  return {
    start: `sudo service ${quoteArgument(script)} start`,
    restart: `sudo service ${quoteArgument(script)} restart`,
    showLog: `sudo tail -n 50 /var/log/${quoteArgument(script)}.log`,
  };
}

/** A rootless engine reads the file of its user; one on another host a file there. */
function settingsOf(
  isPodman: boolean,
  isHere: boolean,
  uid: string | undefined,
): Pick<EngineCommands, 'settings' | 'editSettings'> {
  const file = isPodman ? 'containers/containers.conf' : 'docker/daemon.json';
  if (uid !== undefined) {
    const script = `mkdir -p ~/.config/${file.split('/')[0]} && "\${EDITOR:-vi}" ~/.config/${file}`;
    return {
      settings: `~/.config/${file} of user ${uid}`,
      editSettings: `sudo -H -u '#${uid}' sh -c ${quoteArgument(script)}`,
    };
  }
  const settings = `/etc/${file}`;
  return { settings, ...(isHere ? { editSettings: `sudoedit ${settings}` } : {}) };
}
