/**
 * Which other path to GitLab is configured on this host? Compares the decision of the running process with what
 * each hint on this host would make of the same URL.
 */
import type { HttpUrl } from '../core/http-url.ts';
import type { ProxyAlternative, ProxyDecision } from '../core/target.ts';
import { decideProxy } from '../go/proxy/decision.ts';
import type { ProxyHint } from '../host/net/proxy-settings.ts';

/** Distinct paths that differ from the one in use, those meant for the runner first. */
export function alternativesOf(
  url: HttpUrl,
  inForce: ProxyDecision,
  hints: readonly ProxyHint[],
): readonly ProxyAlternative[] {
  const found = hints.flatMap((hint): readonly ProxyAlternative[] => {
    const { variables, ...place } = hint;
    const decision = decideProxy(url, normalizeVariables(variables));
    // A hint without a proxy is irrelevant, and so is an exemption if no proxy is in use.
    const isRelevant = decision.kind === 'proxy' || inForce.kind === 'proxy';
    const differs = decision.kind === 'direct' && !hasExemption(variables) ? false : isRelevant;
    return differs && routeKey(decision) !== routeKey(inForce) ? [{ decision, ...place }] : [];
  });
  return [...new Map(found.toReversed().map((item) => [routeKey(item.decision), item])).values()]
    .toReversed()
    .toSorted((a, b) => Number(b.isForRunner) - Number(a.isForRunner));
}

/**
 * ALL_PROXY is meant for every scheme, and a proxy for `http` alone most often for both; Go does
 * not know the one, and does not use the other for `https`.
 */
function normalizeVariables(
  variables: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const own = (scheme: string): string | undefined =>
    variables[`${scheme}_PROXY`] ?? variables[`${scheme}_PROXY`.toLowerCase()];
  const meant = own('ALL') ?? own('HTTP') ?? own('HTTPS');
  if (meant === undefined) return variables;
  return { ...variables, HTTP_PROXY: own('HTTP') ?? meant, HTTPS_PROXY: own('HTTPS') ?? meant };
}

function hasExemption(variables: Readonly<Record<string, string>>): boolean {
  return Object.keys(variables).some((name) => /^no_proxy$/i.test(name));
}

function routeKey(decision: ProxyDecision): string {
  if (decision.kind === 'direct') return 'direct';
  const { scheme, host, port, credentials } = decision;
  return [scheme, host, port, credentials?.user, credentials?.password.fingerprint()].join(' ');
}
