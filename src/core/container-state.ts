/** What its engine says of a container that a runner lives in. */
import type { Instant } from './clock.ts';

export type ContainerState =
  | (Restarts & {
      readonly kind: 'running';
      readonly startedAt: Instant | undefined;
      /** Between its last end and this start; absent where it had not ended before. */
      readonly waitedSeconds?: number;
      /** Its first process is not among those that are seen here. */
      readonly isHidden: boolean;
    })
  /** It runs, and its own health check fails. */
  | (Restarts & { readonly kind: 'unhealthy'; readonly said: string })
  | { readonly kind: 'paused' }
  /** It was never started, or a start failed. */
  | { readonly kind: 'created'; readonly why: string; readonly createdAt: Instant | undefined }
  | (ContainerEnd & Restarts & { readonly kind: 'ended' })
  /** It has ended, and its engine is about to start it again. */
  | (ContainerEnd & Restarts & { readonly kind: 'restarting' })
  /** The engine does not know it any more. */
  | { readonly kind: 'removed' }
  /** The engine does not answer. */
  | { readonly kind: 'unseen'; readonly why: string };

export interface ContainerEnd {
  readonly exitCode: number;
  readonly isOutOfMemory: boolean;
  readonly endedAt: Instant | undefined;
  /** How long it had run by then; absent where the engine does not tell. */
  readonly ranSeconds: number | undefined;
  /** What it may use; absent without a limit of its own. */
  readonly memoryBytes: number | undefined;
  /** The last line that it wrote, where its log can be read. */
  readonly lastLine: string | undefined;
}

interface Restarts {
  /** By the engine, since a person last started it. */
  readonly restarts: number;
}
