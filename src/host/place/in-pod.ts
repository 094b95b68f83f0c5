/** A runner in the pod of runnerwatch: what a person types about it, and what may be seen of it from beside it. */
import { dirname, join } from 'node:path';

import { step } from '../../core/diagnosis.ts';
import type { Paths } from '../../core/paths.ts';
import type { Place } from '../../core/place.ts';
import type { Pod } from '../../core/pod.ts';
import { engineAt } from './engine.ts';
import { hostCommands } from './host-commands.ts';
import type { HostServices } from './host-services.ts';
import type { OwnContainer } from './own-container.ts';
import { placeOnHost } from './on-host.ts';
import { fitToPod, inPodNetwork, livenessProbeOf, podCommands, podId } from './pod-commands.ts';
import { runnerFiles } from './runner-files.ts';

/** The kubelet writes it for all containers of a pod. */
const RESOLVER_WRITER = {
  name: 'Kubernetes',
  where: 'by dnsPolicy and dnsConfig of the pod, or in CoreDNS',
};

const OF_POD = 'its pod does not share the processes of its containers (shareProcessNamespace)';
const OF_CONTAINER =
  'runnerwatch is in a container of its own (start it in the processes and the network of that of the runner: --pid and --network)';

type PodParts = Pick<
  Place,
  | 'description'
  | 'commands'
  | 'host'
  | 'hostPath'
  | 'inNetwork'
  | 'fitted'
  | 'registersItself'
  | 'livenessProbe'
  | 'isManaged'
>;

export function partsOfPod(pod: Pod, files: Place['files'], { host }: HostServices): PodParts {
  const { namespace } = pod;
  const probe = livenessProbeOf(pod);
  return {
    description: `pod ${pod.name}${namespace === undefined ? '' : ` in namespace ${namespace}`}`,
    isManaged: true,
    ...(pod.isOfChart ? { registersItself: true as const } : {}),
    ...(probe === undefined ? {} : { livenessProbe: probe }),
    commands: podCommands(pod),
    host: hostCommands({ ...host, resolverWriter: RESOLVER_WRITER }),
    hostPath: (path) => path,
    inNetwork: (command) => inPodNetwork(pod, command),
    fitted: (one) => fitToPod(pod, files, one),
  };
}

function ownEnvironment(): Readonly<Record<string, string>> {
  const entries = Object.entries(process.env);
  return Object.fromEntries(
    entries.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

/** No process of a runner is visible: what is not in a folder that both mount is not known. */
export function placeUnseen(
  own: OwnContainer,
  {
    configPath,
    paths,
    services,
  }: { readonly configPath: string; readonly paths: Paths; readonly services: HostServices },
): Place {
  const files = runnerFiles(configPath, join(dirname(configPath), 'certs'));
  const plain = placeOnHost({
    manager: { kind: 'by-hand' },
    paths,
    user: { name: 'gitlab-runner' },
    program: 'gitlab-runner',
    files,
    ...services,
  });
  const unseen = `the process of the runner is not visible from here: ${own.kind === 'pod' ? OF_POD : OF_CONTAINER}`;
  const elsewhere = {
    unseen,
    ownEnvironment: ownEnvironment(),
    engineAt: () => ({ ...engineAt(services.engines), isHere: false }),
  };
  if (own.kind === 'pod')
    return { ...plain, id: podId(own.pod), ...partsOfPod(own.pod, files, services), ...elsewhere };
  return {
    ...plain,
    ...elsewhere,
    description: 'a container beside that of runnerwatch',
    isManaged: true,
    fitted: (given) =>
      given.command === undefined
        ? given
        : step(`${given.text} It is done where the container of the runner is started.`),
  };
}
