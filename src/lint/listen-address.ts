/** Addresses to listen on, as Go reads them: docs/reference/runner-config.md#keys-of-the-whole-file. */
import type { LintContext, Listener } from './context.ts';
import type { Found } from './values.ts';
import type { Violation } from './violation.ts';
import { atValue } from './violation.ts';

export type Address =
  | { readonly kind: 'address'; readonly host: string; readonly port: string }
  /** Go: too many colons in address. */
  | { readonly kind: 'colons' };

/** As Go takes it apart: brackets around IPv6, the port behind the last colon. */
export function addressOf(text: string): Address {
  const bracketed = /^\[(?<host>[^\]]*)\](?::(?<port>.*))?$/.exec(text)?.groups;
  if (bracketed !== undefined) {
    return { kind: 'address', host: bracketed['host'] ?? '', port: bracketed['port'] ?? '' };
  }
  const parts = text.split(':');
  if (parts.length > 2) return { kind: 'colons' };
  return { kind: 'address', host: parts[0] ?? '', port: parts[1] ?? '' };
}

function busy(port: number, { listeners = [] }: LintContext): Listener | undefined {
  return listeners.find((one) => one.port === port && one.isRunner === false);
}

/** Another process holds the port. */
export function portInUse(
  found: Found<string> | undefined,
  key: string,
  usual: number | undefined,
  context: LintContext,
): readonly Violation[] {
  if (found === undefined) return [];
  const address = addressOf(found.value);
  if (address.kind === 'colons') return [];
  const port = address.port === '' ? usual : Number(address.port);
  if (port === undefined || busy(port, context) === undefined) return [];
  return [atValue(found.entry, `port ${port} is held by another process`, { key })];
}
