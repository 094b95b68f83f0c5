/**
 * The ids of the keys by which a GitLab signs tokens for other programs (OpenID Connect). They come from its secrets, which all
 * nodes of one installation share: two servers without a common key are two installations. No token is sent.
 */
import { isRecord } from '../core/json.ts';
import type { Send } from '../core/exchange-error.ts';
import { answerOrError, ExchangeError } from '../core/exchange-error.ts';
import type { HttpRequest } from '../core/probe.ts';
import { jsonOf } from './fingerprint.ts';

const KEYS_REQUEST: HttpRequest = {
  method: 'GET',
  path: 'oauth/discovery/keys',
  timeoutSeconds: 3,
};

/** Empty where the server does not tell. */
export async function askSigningKeys(send: Send, signal: AbortSignal): Promise<readonly string[]> {
  const answer = await answerOrError(send, KEYS_REQUEST, signal);
  if (answer instanceof ExchangeError || answer.status !== 200) return [];
  const { keys } = jsonOf(answer);
  const all: readonly unknown[] = Array.isArray(keys) ? keys : [];
  return all.flatMap((key) =>
    isRecord(key) && typeof key['kid'] === 'string' ? [key['kid']] : [],
  );
}

/** Both tell, and they have no key in common. */
export function areOfTwoGitLabs(some: readonly string[], others: readonly string[]): boolean {
  return some.length > 0 && others.length > 0 && !some.some((id) => others.includes(id));
}
