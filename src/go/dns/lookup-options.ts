/** A lookup as the runner at this place makes it. */
import type { Tools } from '../../core/probe.ts';
import { goSettingsOf } from '../settings.ts';
import type { ResolveOptions } from './resolver.ts';

export function lookupOptionsOf(
  tools: Pick<Tools, 'paths' | 'clock' | 'signal' | 'dnsPort' | 'process' | 'program'>,
): ResolveOptions {
  const { paths, clock, signal, dnsPort: port, process, program } = tools;
  return { paths, clock, signal, port, edns: goSettingsOf(process ?? program).edns };
}
