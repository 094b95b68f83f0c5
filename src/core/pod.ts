/** The pod of Kubernetes in which runnerwatch is one container and the runner another one. */
export interface Pod {
  readonly name: string;
  /** Absent where its service account is not mounted. */
  readonly namespace?: string;
}
