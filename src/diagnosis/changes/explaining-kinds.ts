/** Which kinds of changes can produce a cause: declared by its entry, else derived from the probes that observe it. */
import type { ChangeKind } from '../../core/change.ts';
import { probesOf } from '../catalogue/index.ts';
import type { CauseSpec } from '../cause-spec.ts';

/** Where the name leads to, and which name it is. */
const NAME: readonly ChangeKind[] = ['hosts-file', 'config-url'];
/** How the runner goes there. */
const ROUTE: readonly ChangeKind[] = ['proxy-environment', 'routes'];
/** What runs the runner, and what it reads first. */
const SERVICE: readonly ChangeKind[] = [
  'unit',
  'program',
  'config',
  'config-url',
  'config-token',
  'config-trust',
  'config-executor',
];

const BY_PROBE: Readonly<Record<string, readonly ChangeKind[]>> = {
  dns: [...NAME, ...ROUTE, 'resolver', 'name-services'],
  connect: [...NAME, ...ROUTE],
  proxy: [...NAME, ...ROUTE],
  firewall: ROUTE,
  tls: [
    ...NAME,
    'proxy-environment',
    'ca-file',
    'system-certificates',
    'client-certificate',
    'server-certificate',
    'config-trust',
  ],
  http: [...NAME, 'proxy-environment'],
  api: [...NAME, 'proxy-environment'],
  token: ['config-url', 'config-token'],
  config: SERVICE.filter((kind) => kind.startsWith('config')),
  service: SERVICE,
  limits: ['unit'],
  cgroup: ['unit'],
  executor: ['config-executor', 'engine-settings'],
};

export function explainingKinds(spec: CauseSpec): ReadonlySet<ChangeKind> {
  return new Set(spec.changedBy ?? probesOf(spec).flatMap((probe) => BY_PROBE[probe] ?? []));
}
