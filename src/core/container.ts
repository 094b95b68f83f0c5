import type { Pod } from './pod.ts';

/** A container, or any root other than that of the host, in which a runner lives. */

export type Engine = 'docker' | 'podman' | 'containerd' | 'cri-o';

export interface Container {
  /** Of its place: `docker:runner-1`, `containerd:0a1b2c3d4e5f`, `container:/srv/jail`. */
  readonly id: string;
  /** Absent where no engine runs it that is known. */
  readonly engine?: Engine;
  /** As commands call it. */
  readonly name: string;
  /** Where its engine listens on the host; absent where it does not answer there. */
  readonly socket?: string;
  /** No engine has named it: its name is the beginning of its id, so one that replaces it has another name. */
  readonly isNamedById?: true;
  /** What has made it and makes it anew; absent where a person did. */
  readonly manager?: ContainerManager;
  /** Folders and files of the host in it; absent where no engine has told. */
  readonly mounted?: readonly Mounted[];
  /** What its engine makes its /etc/resolv.conf of at each start; absent where no engine has told, or none does. */
  readonly resolver?: ContainerResolver;
  /** It is one of our own pod. */
  readonly pod?: Pod;
}

export interface ContainerResolver {
  /** The name servers that it was made with (`--dns`); none where it gets those of the host. */
  readonly servers: readonly string[];
  /** Its network is that of the host. */
  readonly hasHostNetwork: boolean;
}

export interface Mounted {
  /** On the host. */
  readonly source: string;
  /** In the container. */
  readonly target: string;
}

export type ContainerManager = ComposeService | SwarmService | ContainerUnit;

export interface ComposeService {
  readonly kind: 'compose';
  readonly program: 'docker compose' | 'docker-compose' | 'podman compose' | 'podman-compose';
  readonly project: string;
  readonly service: string;
  readonly directory?: string;
  /** As they were given; all of them are needed to make it anew. */
  readonly files: readonly string[];
  readonly environmentFiles: readonly string[];
  /** The files are on this host. */
  readonly isHere: boolean;
}

export interface SwarmService {
  readonly kind: 'swarm';
  readonly service: string;
  /** What deploys it from a file, which takes back what was changed beside it. */
  readonly stack?: string;
  /** This host may change services. */
  readonly isManager: boolean;
}

export interface ContainerUnit {
  readonly kind: 'unit';
  /** `gitlab-runner.service`, of the system's systemd. */
  readonly unit: string;
  /** The .container file that the unit is generated from. */
  readonly quadlet?: string;
  /** The unit makes a new container at each start; otherwise it starts one that a person made. */
  readonly makesContainer: boolean;
}
