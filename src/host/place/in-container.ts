/** A runner that lives in a container: its files, its network and its commands are those of the container. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Container, Engine } from '../../core/container.ts';
import type { Paths, Volume } from '../../core/paths.ts';
import { isBelow, volumeOf } from '../../core/paths.ts';
import type { EngineCommands, Place, ReplacedFile } from '../../core/place.ts';
import type { RunnerProcess } from '../../core/reading.ts';
import { readContainerState } from '../docker/container-state.ts';
import { hostPathOf } from '../fs/host-path.ts';
import type { Mount } from '../fs/mounts.ts';
import { replacedFile } from '../fs/mounted-file.ts';
import type { RealPaths } from '../fs/real-paths.ts';
import { isRefuted, withoutLinks } from '../fs/real-paths.ts';
import { pathsOf, parseStat } from '../proc/runner-process.ts';
import { partsBeside } from './beside.ts';
import { containerCommands } from './container-commands.ts';
import { hostsPlaceOf, isMadeByProgram, makingPlaceOf } from './container-makers.ts';
import { engineAt } from './engine.ts';
import { hostCommands } from './host-commands.ts';
import type { HostServices } from './host-services.ts';
import { commandIn } from './in-network.ts';
import { partsOfPod } from './in-pod.ts';
import { RESOLV_CONF } from './resolver-writer.ts';
import { certsDirectoryOf, runnerFiles } from './runner-files.ts';

export interface ContainerPlace {
  readonly container: Container;
  /** The process that runs, or the last one that did. */
  readonly started: RunnerProcess;
  readonly isRunning: boolean;
  readonly closed: string | undefined;
  /** config.toml as the runner sees it. */
  readonly configPath: string;
  readonly user: string;
  /** The file in our settings, as the host sees it. */
  readonly logFile: string | undefined;
  /** Those of the host. */
  readonly paths: Paths;
  readonly mounts: { readonly inside: readonly Mount[]; readonly onHost: readonly Mount[] };
  /** Of those paths whose links have been followed. */
  readonly realPaths: RealPaths;
  readonly services: HostServices;
  /** runnerwatch has its processes, by their numbers there, and not those of the host. */
  readonly isBeside: boolean;
}

const NAMES: Readonly<Record<Engine, string>> = {
  docker: 'Docker',
  podman: 'Podman',
  containerd: 'containerd',
  'cri-o': 'CRI-O',
};

export function placeInContainer(given: ContainerPlace): Place {
  const { container, started, isRunning, configPath, user, logFile, services, isBeside } = given;
  const { environment, pid, uid, network } = started;
  const paths = pathsOf(started, given.paths);
  const files = runnerFiles(configPath, certsDirectoryOf(started), environment?.['HOME']);
  const commands = containerCommands({
    ...container,
    pid: isRunning && !isBeside ? pid : undefined,
    program: started.arguments[0] ?? 'gitlab-runner',
  });
  return {
    id: container.id,
    description: descriptionOf(container),
    paths,
    hostPaths: given.paths,
    files,
    user: { name: user, uid },
    isManaged: false,
    ...logOf(container, logFile),
    ...engineOf(container, given.paths),
    ...doubtsOf(given),
    isThere: () => isRunning && isSameProcess(started, given.paths),
    commands,
    host: hostCommands({ ...services.host, resolverWriter: writerOf(container) }),
    hostPath: (path) => pathOnHost(path, given),
    ...hostsWriterOf(container),
    ...resolverOf(container),
    replacedOnHost: async (path) => await replacedIn(given, path),
    inNetwork: (command) => {
      if (isBeside) return commandIn(commands.processId, command);
      return commandIn(isRunning ? network?.pid : undefined, command);
    },
    ...(isBeside ? partsBeside(commands.processId, rootOf(given)) : {}),
    engineAt: (...asked) => engineOnHost(given, ...asked),
    ...(environment === undefined ? {} : { variable: (name) => environment[name] }),
    ...(container.pod === undefined ? {} : partsOfPod(container.pod, files, services)),
  };
}

/** Its socket and its certificates as the host sees them. */
function engineOnHost(
  given: ContainerPlace,
  address?: string,
  certificates?: string,
): EngineCommands {
  return engineAt(
    given.services.engines,
    address?.replace(
      /^unix:\/\/(?=\/)(.*)$/,
      (_whole, path: string) => `unix://${pathOnHost(path, given)}`,
    ),
    certificates === undefined ? undefined : pathOnHost(certificates, given),
  );
}

/** The file in our settings; otherwise what its engine keeps. */
function logOf({ name, socket }: Container, logFile: string | undefined): Pick<Place, 'log'> {
  if (logFile !== undefined) return { log: { kind: 'file', path: logFile } };
  return socket === undefined ? {} : { log: { kind: 'container', name, socket } };
}

/** Where an engine answers for it. */
function engineOf(
  { engine, name, socket, manager }: Container,
  paths: Paths,
): Pick<Place, 'container'> {
  if (socket === undefined) return {};
  const connection = { address: { kind: 'socket', path: socket }, paths } as const;
  const client = `sudo ${engine === 'podman' ? 'podman' : 'docker'}`;
  return {
    container: {
      name,
      isMade: isMadeByProgram(manager),
      socket,
      state: async (signal) => await readContainerState(connection, name, signal),
      client: (words) => `${client} ${words}`,
    },
  };
}

/** What may not be seen of it, and what tells whether another container has taken its place. */
function doubtsOf({
  container,
  started,
  closed,
  configPath,
  mounts,
  realPaths,
}: ContainerPlace): Pick<Place, 'closed' | 'configOnHost' | 'mayBeReplaced'> {
  const { volumes } = started;
  const real = withoutLinks(configPath, realPaths);
  const configOnHost =
    volumes === undefined
      ? hostPathOf(real, mounts.inside, mounts.onHost)
      : pathInVolume(configPath, volumes);
  return {
    ...(closed === undefined ? {} : { closed }),
    ...(configOnHost === undefined ? {} : { configOnHost }),
    ...(container.isNamedById === undefined ? {} : { mayBeReplaced: true }),
  };
}

function descriptionOf({ engine, name }: Container): string {
  return engine === undefined ? `container in ${name}` : `${NAMES[engine]} container ${name}`;
}

/** The engine writes the file when it makes or starts the container. */
function writerOf({ engine, manager }: Container) {
  const name = engine === undefined ? 'What starts the container' : NAMES[engine];
  return { name, where: `${makingPlaceOf(manager)}, or for the engine as a whole` };
}

/**
 * Below a mount of the host; else by the root of the process, where a shell would follow links in its own root. Without a
 * process only its engine knows where that lies.
 */
function pathOnHost(path: string, given: ContainerPlace): string {
  const { started, mounts, realPaths, container, isBeside } = given;
  if (started.volumes !== undefined) return pathInVolume(path, started.volumes) ?? path;
  const real = withoutLinks(path, realPaths);
  const found = isRefuted(real, realPaths)
    ? undefined
    : hostPathOf(real, mounts.inside, mounts.onHost);
  const told = isBeside ? pathInVolume(real, volumesOf(container)) : undefined;
  return found ?? told ?? join(rootOf(given), real);
}

/** Of its process, by the number that it has here. */
function rootOf({ started: { pid }, paths }: ContainerPlace): string {
  return join(procfsOnHost(paths), String(pid), 'root');
}

/** By its engine. */
function volumesOf({ mounted = [] }: Container): readonly Volume[] {
  return mounted.map(({ source, target }) => ({ at: target, onHost: source, seenAt: source }));
}

/** Where the tree of the host is mounted for us, its /proc is below. */
function procfsOnHost({ rootfs, procfs }: Paths): string {
  return rootfs !== '/' && isBelow(procfs, rootfs) ? procfs.slice(rootfs.length) : procfs;
}

function pathInVolume(path: string, volumes: readonly Volume[]): string | undefined {
  const volume = volumeOf(path, volumes);
  return volume && join(volume.onHost, path.slice(volume.at.length));
}

/** Of a pod the kubelet sets them, from its own settings. */
function resolverOf({ engine, resolver, manager, mounted = [], pod }: Container) {
  if (engine === undefined || resolver === undefined || pod !== undefined) return {};
  const mountedFrom = mounted.find(({ target }) => target === RESOLV_CONF)?.source;
  const from = mountedFrom === undefined ? {} : { mountedFrom };
  return { resolver: { ...resolver, engine, where: makingPlaceOf(manager), ...from } };
}

/** Without an engine nothing is known to write it. */
function hostsWriterOf({ engine, manager }: Container): Pick<Place, 'hostsWriter'> {
  if (engine === undefined) return {};
  const isPod = engine !== 'docker' && engine !== 'podman';
  const name = isPod ? 'The kubelet' : NAMES[engine];
  const where = isPod ? 'in hostAliases of its pod' : hostsPlaceOf(manager);
  return {
    hostsWriter: `${name} writes /etc/hosts anew when the container starts: so that the change holds, make it ${where}, too.`,
  };
}

async function replacedIn(
  { container, started, paths, mounts, realPaths }: ContainerPlace,
  path: string,
): Promise<ReplacedFile | undefined> {
  return await replacedFile({
    path: withoutLinks(path, realPaths),
    inside: pathsOf(started, paths),
    onHost: paths,
    mounts,
    mounted: container.mounted,
  });
}

/** Another process may have got its number. */
function isSameProcess({ pid, startTicks }: RunnerProcess, { procfs }: Paths): boolean {
  try {
    const stat = parseStat(readFileSync(join(procfs, String(pid), 'stat'), 'utf8'));
    return stat !== undefined && stat.state !== 'Z' && stat.startTicks === startTicks;
  } catch {
    return false;
  }
}
