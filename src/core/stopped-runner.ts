/** A container of a runner in which no runner is seen to run: only its engine tells of it. */
import type { Instant } from './clock.ts';
import type { Container } from './container.ts';
import type { RunnerProcess } from './reading.ts';

export interface StoppedRunner {
  /** What its process was, or would be; it has no id. */
  readonly process: RunnerProcess;
  readonly container: Container;
  /** When it ended; of one that never ran, when it was made. */
  readonly since: Instant;
  /** By its engine it runs; its process may only not be there yet, or may not be seen. */
  readonly isRunning: boolean;
  /** It ended by itself, or its engine starts it again and again: no person has stopped it. */
  readonly hasFailed: boolean;
}
