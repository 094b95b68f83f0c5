/** An answer as the exchange returns it, for the pure functions that judge one. */
import type { HttpAnswer } from '../../src/core/probe.ts';
import { START } from './clock.ts';

export function answerOf(
  status: number,
  body = '',
  headers: Readonly<Record<string, string>> = {},
): HttpAnswer {
  return { status, headers, body, seconds: 0.1, receivedAt: START };
}

/** GitLab's own headers, as they arrive. */
export const FROM_RAILS = {
  'x-request-id': '01JDFZ8M5Q7R9T1V3W5X7Y9Z0A',
  'x-runtime': '0.012',
  'x-gitlab-meta': '{"correlation_id":"01JDFZ8M5Q7R9T1V3W5X7Y9Z0A","version":"1"}',
} as const;

export function jsonAnswer(
  status: number,
  json: unknown,
  headers: Readonly<Record<string, string>> = {},
): HttpAnswer {
  const type = { 'content-type': 'application/json' };
  return answerOf(status, JSON.stringify(json), { ...type, ...headers });
}
