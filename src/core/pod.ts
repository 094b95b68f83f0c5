/** The pod of Kubernetes in which runnerwatch is one container and the runner another one. */
export interface Pod {
  readonly name: string;
  /** Absent where its service account is not mounted. */
  readonly namespace?: string;
  /** Made by the official chart, so that a change of it is one of values.yaml; without it a manifest is edited. */
  readonly isOfChart: boolean;
}
