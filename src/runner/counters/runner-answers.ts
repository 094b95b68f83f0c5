/**
 * Does a runner live whose process cannot be seen? An answer of its metrics proves it. One that has answered and refuses
 * connections now has ended: a runner listens as long as it lives.
 */
import { Absences, RESTART_SECONDS } from '../../core/absences.ts';
import type { Clock } from '../../core/clock.ts';
import type { Place } from '../../core/place.ts';
import type { ServiceTarget } from '../../core/target.ts';
import { countersOf } from './counters.ts';
import { parseExposition } from './exposition.ts';
import { fetchPage } from './fetch-page.ts';

type Answer =
  | { readonly status: 'pass' }
  | { readonly status: 'unknown'; readonly reason: 'unseen'; readonly detail: string }
  | { readonly status: 'warn'; readonly reason: 'restarting'; readonly detail: string }
  | { readonly status: 'fail'; readonly reason: 'not-running'; readonly detail: string };

export class RunnerAnswers {
  /** Places and addresses where a runner has answered. */
  readonly #known = new Set<string>();
  readonly #absences = new Absences();

  async judge(
    { metrics }: ServiceTarget,
    { id, unseen = '' }: Place,
    clock: Clock,
    signal: AbortSignal,
  ): Promise<Answer & { readonly startedSeconds?: number | undefined }> {
    const notKnown = (said: string): Answer => ({
      status: 'unknown',
      reason: 'unseen',
      detail: `${unseen}; ${said}`,
    });
    if (metrics === undefined) return notKnown('it has no listen_address either');
    const where = `${metrics.host}:${metrics.port}`;
    const key = `${id} ${where}`;
    const page = await fetchPage(metrics, { path: '/metrics' }, signal);
    const counters = page.kind === 'page' ? countersOf(parseExposition(page.text)) : undefined;
    const absentSeconds = this.#absences.secondsOf(key, counters !== undefined, clock);
    if (counters !== undefined) {
      this.#known.add(key);
      return { status: 'pass', startedSeconds: counters.startedSeconds };
    }
    const isClosed = page.kind === 'refused' && page.isClosed;
    if (!isClosed || !this.#known.has(key))
      return notKnown(page.kind === 'page' ? `${where} has no metrics of a runner` : page.detail);
    const detail = `the runner answered at ${where} before, and nothing listens there now`;
    return absentSeconds < RESTART_SECONDS
      ? { status: 'warn', reason: 'restarting', detail }
      : { status: 'fail', reason: 'not-running', detail };
  }
}
