/** Classifies how an HTTP exchange ended without an answer. */
import { isErrno } from '../core/errno.ts';

export type ExchangeFault =
  | 'closed'
  | 'reset'
  /** It broke off within the answer. */
  | 'cut'
  | 'no-answer'
  | 'slow-body'
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

const CERTIFICATE_ALERTS = /SSL alert number (?:40|42|45|46|48|116)\b/;

/** Classifies an error of Node. Its message is never passed on, because it may quote received data. */
export function exchangeErrorOf(
  error: unknown,
  signal: AbortSignal,
  hasHead: boolean,
): ExchangeError {
  if (error instanceof ExchangeError) return error;
  if (signal.aborted) return new ExchangeError('no-answer', 'timed out');
  const text = error instanceof Error ? error.message : '';
  // TLS 1.3: the server's refusal of a missing client certificate arrives with the first read.
  if (CERTIFICATE_ALERTS.test(text)) {
    return new ExchangeError(
      'client-certificate-required',
      'the server rejected the client certificate after the handshake',
    );
  }
  return hasHead ? answerErrorOf(error) : requestErrorOf(error, text);
}

function parseErrorCode(error: unknown): string | undefined {
  return isErrno(error) && error.code?.startsWith('HPE_') === true ? error.code : undefined;
}

function answerErrorOf(error: unknown): ExchangeError {
  const garbage = parseErrorCode(error);
  const why =
    garbage === undefined ? 'the connection was interrupted' : `its body is malformed (${garbage})`;
  return new ExchangeError('cut', `the response is incomplete: ${why}`);
}

function requestErrorOf(error: unknown, text: string): ExchangeError {
  const garbage = parseErrorCode(error);
  if (garbage !== undefined) {
    return new ExchangeError('malformed', `the response is not HTTP (${garbage})`);
  }
  // "socket hang up" is Node's message for an end without a response; it borrows the code of a reset.
  if (text === 'socket hang up' || isErrno(error, 'EPIPE')) {
    return new ExchangeError('closed', 'the connection was closed before a response');
  }
  const code = isErrno(error) ? error.code : 'unknown error';
  return new ExchangeError('reset', `the connection was interrupted: ${code}`);
}
