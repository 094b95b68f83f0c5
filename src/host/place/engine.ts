/**
 * The container engine at an address of the runner: whose it is, what starts it, and how its client is pointed
 * there. A socket of a user is started by that user's systemd; an engine on another host is not started from here.
 */
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

export function engineAt(services: EngineServices, address = DEFAULT_DOCKER_HOST): EngineCommands {
  const isPodman = address.includes('podman');
  const uid = /^unix:\/\/(?:\/var)?\/run\/user\/(?<uid>\d+)\//.exec(address)?.groups?.['uid'];
  const name = isPodman ? 'Podman' : 'Docker';
  return {
    name,
    ...(isHere(address) ? serviceOf(isPodman, uid, services) : {}),
    settings: isPodman ? '/etc/containers/containers.conf' : '/etc/docker/daemon.json',
    client: (words) => `${clientOf(isPodman, address)} ${words}`,
  };
}

/** No option is needed where the client uses this address by default. */
function clientOf(isPodman: boolean, address: string): string {
  if (address === DEFAULT_DOCKER_HOST) return 'sudo docker';
  return `${isPodman ? 'sudo podman --url' : 'sudo docker -H'} ${quoteArgument(address)}`;
}

/** Whatever is no socket may be another host, and so is everything that is not loopback. */
function isHere(address: string): boolean {
  return /^(?:unix|npipe):|^(?:tcp|https?):\/\/(?:localhost|127\.|\[::1\])/.test(address);
}

function serviceOf(
  isPodman: boolean,
  uid: string | undefined,
  { dockerUnit, dockerScript, hasPodmanUnit }: EngineServices,
): Service {
  const unit = isPodman ? 'podman' : (dockerUnit ?? 'docker');
  if (uid !== undefined) return ofUser(unit, uid);
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

function ofUser(unit: string, uid: string): Service {
  const systemctl = `sudo -u '#${uid}' XDG_RUNTIME_DIR=/run/user/${uid} systemctl --user`;
  return {
    start: `${systemctl} enable --now ${quoteArgument(unit)}`,
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
