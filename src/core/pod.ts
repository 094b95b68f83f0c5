/** The pod of Kubernetes in which runnerwatch is one container and the runner another one. */
export interface Pod {
  readonly name: string;
  /** Absent where its service account is not mounted. */
  readonly namespace?: string;
  /** Made by the official chart, so that a change of it is one of values.yaml; without it a manifest is edited. */
  readonly isOfChart: boolean;
  /**
   * Its liveness probe asks GitLab, so that an outage ends the runner: by its script, or `unseen`, where that is not
   * visible. Absent where the pod has none that does.
   */
  readonly livenessProbe?: 'asks-gitlab' | 'unseen';
}
