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
}
