/** How an HTTP exchange ended without an answer. Its message never quotes what was received. */
import type { HttpAnswer, HttpRequest } from './probe.ts';

export type ExchangeFault =
  | 'closed'
  | 'reset'
  /** It broke off within the answer. */
  | 'cut'
  | 'no-answer'
  | 'slow-body'
  /** What came is no HTTP. */
  | 'not-http'
  /** The server speaks HTTP/2 and nothing else. */
  | 'http2-only'
  /** HTTP, but not as Go's client reads it. */
  | 'malformed'
  | 'client-certificate-required';

export class ExchangeError extends Error {
  readonly fault: ExchangeFault;

  constructor(fault: ExchangeFault, message: string) {
    super(message);
    this.name = 'ExchangeError';
    this.fault = fault;
  }
}

/** It rejects with an ExchangeError and with nothing else. */
export type Send = (request: HttpRequest, signal: AbortSignal) => Promise<HttpAnswer>;

/** The answer, or the error: for a request whose failure is not a fault of the calling link. */
export async function answerOrError(
  send: Send,
  request: HttpRequest,
  signal: AbortSignal,
): Promise<HttpAnswer | ExchangeError> {
  try {
    return await send(request, signal);
  } catch (error) {
    if (error instanceof ExchangeError) return error;
    throw error;
  }
}
