/**
 * Texts that Docker, or the runner on its behalf, takes apart: docs/reference/runner-config.md#docker. Each
 * says why it refuses one.
 */
import { isIP } from 'node:net';

const SOURCE = String.raw`(?:(?<source>\/[^:]*|[A-Za-z0-9][\w.-]*):)?`;
const TARGET = String.raw`(?<target>\/[^:]*)`;
const MODE =
  '(?::(?<mode>(?:ro|rw|O|z|Z|r?shared|r?slave|r?private|cached|delegated|consistent|nocopy)(?:,(?:ro|rw|O|z|Z|r?shared|r?slave|r?private|cached|delegated|consistent|nocopy))*))?';
const VOLUME = new RegExp(`^${SOURCE}${TARGET}${MODE}$`, 'i');

export interface Volume {
  readonly source?: string;
  readonly target: string;
}

/** `undefined` for what the runner refuses: a relative path, `~`, an unknown mode. */
export function volumeOf(text: string): Volume | undefined {
  const { source, target } = VOLUME.exec(text)?.groups ?? {};
  if (target === undefined) return undefined;
  return source === undefined ? { target } : { source, target };
}

export const PULL_POLICIES: readonly string[] = ['always', 'if-not-present', 'never'];

/** The policy that was meant: `IfNotPresent`, `if_not_present`, `missing`. */
export function pullPolicyMeant(text: string): string | undefined {
  const short = text.trim().toLowerCase().replaceAll(/[-_ ]/g, '');
  if (short === 'missing') return 'if-not-present';
  return PULL_POLICIES.find((one) => one.replaceAll('-', '') === short);
}

/** Why Docker's client makes nothing of a `host`. */
export function hostFault(text: string): string | undefined {
  if (/^(?:unix|npipe):\/\/.+/.test(text)) return undefined;
  if (/^(?:tcp|https?):\/\/[^/\s]+/.test(text)) return undefined;
  if (text.startsWith('ssh://')) return 'begins with ssh://, for which the runner has no dialler';
  return 'has no scheme that Docker’s client knows';
}

/** Values that are refused for each job, by key. */
export const DOCKER_CHECKS: Readonly<Record<string, (text: string) => string | undefined>> = {
  dns: (text) => (isIP(text) === 0 ? 'is no IP address' : undefined),
  mac_address: (text) =>
    /^(?:[0-9a-f]{2}([:-]))(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}$/i.test(text) ||
    /^(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}$/i.test(text)
      ? undefined
      : 'is no MAC address',
  isolation: (text) =>
    ['process', 'hyperv', 'default', ''].includes(text)
      ? undefined
      : 'is none of process, hyperv, default',
  devices: (text) => (text.split(':').length > 3 ? 'has more than two colons' : undefined),
};

/** `soft` or `soft:hard`, whole numbers. */
export function isUlimit(text: string): boolean {
  return /^-?\d+(?::-?\d+)?$/.test(text);
}
