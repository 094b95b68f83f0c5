/**
 * How long the runner waits for each part of a request before it gives up: docs/reference/go-network.md. A probe that waits
 * for less has not seen what the runner will see.
 */
export const RUNNER_WAITS_SECONDS = {
  /** Name and all addresses together. */
  dial: 30,
  handshake: 10,
  /** CONNECT of a proxy. */
  tunnel: 60,
  /** The head of the response. */
  answer: 600,
} as const;

/** Of a probe that gives up before the runner does: silence that it reports proves nothing until the runner's time has passed. */
export interface Patience {
  /** Its reasons that mean "no response in time". */
  readonly reasons: readonly string[];
  readonly ownSeconds: number;
  readonly runnerSeconds: number;
}

/** Answers of the web server: shorter than the runner waits, since a walk must end. */
export const ANSWER_SECONDS = 15;
export const ANSWER_PATIENCE: Patience = {
  reasons: ['no-answer'],
  ownSeconds: ANSWER_SECONDS,
  runnerSeconds: RUNNER_WAITS_SECONDS.answer,
};
