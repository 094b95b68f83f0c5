/** Classifies an error of the socket during an exchange. Its message is never passed on. */
import { isErrno } from '../../core/errno.ts';
import { ExchangeError } from '../../core/exchange-error.ts';

const CERTIFICATE_ALERTS = /SSL alert number (?:40|42|45|46|48|116)\b/;

export function socketErrorOf(error: Error, hasHead: boolean): ExchangeError {
  // TLS 1.3: the server's refusal of a missing client certificate arrives with the first read.
  if (CERTIFICATE_ALERTS.test(error.message)) {
    return new ExchangeError(
      'client-certificate-required',
      'the server rejected the client certificate after the handshake',
    );
  }
  if (hasHead) {
    return new ExchangeError('cut', 'the response is incomplete: the connection was interrupted');
  }
  if (isErrno(error, 'EPIPE')) {
    return new ExchangeError('closed', 'the connection was closed before a response');
  }
  const code = isErrno(error) ? error.code : 'unknown error';
  return new ExchangeError('reset', `the connection was interrupted: ${code}`);
}
