/**
 * Something that the runner depends on and that changed. `recorder/` notices it, `diagnosis/` decides what it means for
 * a cause, `report/` shows it. Nothing in it is secret.
 */
import type { Instant } from './clock.ts';

/** What can change; the catalogue declares which kinds explain a cause. */
export const CHANGE_KINDS = {
  'hosts-file': 'the hosts file',
  resolver: 'the name servers',
  'name-services': 'the order of name sources',
  config: 'a setting in config.toml',
  'config-url': 'url in config.toml',
  'config-token': 'the token in config.toml',
  'config-trust': 'a TLS file in config.toml',
  'config-executor': 'the executor in config.toml',
  'ca-file': "the runner's CA file",
  'system-certificates': "the system's CA bundle",
  'client-certificate': "the runner's client certificate",
  'server-certificate': 'the certificate that GitLab sends',
  'proxy-environment': "the proxy environment of the runner's process",
  unit: 'the systemd unit',
  'engine-settings': 'the settings of the container engine',
  program: "the runner's program",
  process: "the runner's process",
  routes: 'the routing table',
  clock: 'the clock of this host',
} as const satisfies Readonly<Record<string, string>>;
export type ChangeKind = keyof typeof CHANGE_KINDS;

/** Where the name of GitLab leads to, and which name it is. */
export const CHANGES_OF_NAME: readonly ChangeKind[] = ['hosts-file', 'config-url'];
/** How the runner goes there. */
export const CHANGES_OF_ROUTE: readonly ChangeKind[] = ['proxy-environment', 'routes'];
/** What config.toml says. */
export const CHANGES_OF_CONFIG: readonly ChangeKind[] = [
  'config',
  'config-url',
  'config-token',
  'config-trust',
  'config-executor',
];

export function isChangeKind(value: unknown): value is ChangeKind {
  return typeof value === 'string' && Object.hasOwn(CHANGE_KINDS, value);
}

/** A line of a file, a route, a variable, a certificate. */
export interface ChangedLine {
  /** As it stands there; of a hidden one only what may be shown: `token`. */
  readonly text: string;
  /** What is compared: without comments, with a digest of what is not shown. */
  readonly key: string;
  /** The value may be secret, so that the line cannot be written again from here. */
  readonly isHidden?: true;
  /** Of which kind it is, where the lines of one file differ in that. */
  readonly kind?: ChangeKind;
  /** Name of the runner entry it belongs to. */
  readonly entry?: string;
  /** An equal line stands elsewhere in the file, unchanged. */
  readonly isRepeated?: true;
}

export interface Change {
  /** When it happened, or was noticed. */
  readonly at: Instant;
  /** It happened between this moment and `at`; absent where `at` is exact. */
  readonly earliest?: Instant;
  readonly kind: ChangeKind;
  /** `/etc/resolv.conf`, `routes`, `runner process`, ... */
  readonly what: string;
  /** As the runner sees it. */
  readonly path?: string;
  /** Where the runner lives that it concerns; absent for the host as a whole. */
  readonly place?: string;
  /** Short texts; digests stand for what is long or secret. */
  readonly before: string;
  readonly after: string;
  readonly removed?: readonly ChangedLine[];
  readonly added?: readonly ChangedLine[];
  /** There are more lines that differ than these, so that they cannot be taken back one by one. */
  readonly isCut?: true;
  /** All lines that there were, where their order matters. */
  readonly linesBefore?: readonly string[];
  /** Where the file is, or was, a symbolic link. */
  readonly linkBefore?: string;
  readonly linkAfter?: string;
}

/** A change beside a cause that began soon after it. */
export interface PriorChange {
  readonly at: Instant;
  readonly secondsBefore: number;
  readonly what: string;
  /** `/etc/hosts: removed "10.0.0.9 gitlab.example.com"`. */
  readonly text: string;
  /** A change of this kind can produce the cause. */
  readonly explains: boolean;
}
