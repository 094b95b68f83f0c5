/** The catalogue of causes, in the order of blame within each family. */
import type { Severity } from '../../core/vocabulary.ts';
import type { CauseSpec, FamilyName, Stage } from '../cause-spec.ts';
import { CONFIG_CAUSES } from './config.ts';
import { CONTAINER_CAUSES } from './container.ts';
import { DNS_CAUSES } from './dns.ts';
import { EDGE_CAUSES } from './edge.ts';
import { EXECUTOR_CAUSES } from './executor.ts';
import { GITLAB_CAUSES } from './gitlab.ts';
import { HOST_CAUSES } from './host.ts';
import { HOST_NETWORK_CAUSES } from './host-network.ts';
import { JOB_CAUSES } from './jobs.ts';
import { KUBERNETES_CAUSES } from './kubernetes.ts';
import { LIMIT_CAUSES } from './limits.ts';
import { LINT_CAUSES } from './lint.ts';
import { NETWORK_CAUSES } from './network.ts';
import { PROCESS_CAUSES } from './process.ts';
import { PROGRAM_CAUSES } from './programs.ts';
import { PROXY_CAUSES } from './proxy.ts';
import { RECORD_CAUSES } from './record.ts';
import { RUNNER_CAUSES } from './runner.ts';
import { TLS_CAUSES } from './tls.ts';
import { TOKEN_CAUSES } from './token.ts';

/** A group of causes with a common subject. */
interface Family {
  readonly name: FamilyName;
  /** Position of its causes in the order of blame, unless an entry sets another one. */
  readonly stage: Stage;
  readonly causes: readonly CauseSpec[];
}

const FAMILIES: readonly Family[] = [
  { name: 'config', stage: 'config', causes: CONFIG_CAUSES },
  { name: 'config', stage: 'config', causes: LINT_CAUSES },
  { name: 'process', stage: 'process', causes: CONTAINER_CAUSES },
  { name: 'process', stage: 'process', causes: PROCESS_CAUSES },
  { name: 'runner', stage: 'process', causes: RUNNER_CAUSES },
  { name: 'limits', stage: 'resources', causes: LIMIT_CAUSES },
  { name: 'executor', stage: 'executor', causes: EXECUTOR_CAUSES },
  { name: 'executor', stage: 'executor', causes: PROGRAM_CAUSES },
  { name: 'executor', stage: 'executor', causes: KUBERNETES_CAUSES },
  { name: 'jobs', stage: 'jobs', causes: JOB_CAUSES },
  { name: 'host', stage: 'resources', causes: HOST_CAUSES },
  { name: 'dns', stage: 'path', causes: DNS_CAUSES },
  { name: 'network', stage: 'path', causes: HOST_NETWORK_CAUSES },
  { name: 'network', stage: 'path', causes: NETWORK_CAUSES },
  { name: 'proxy', stage: 'path', causes: PROXY_CAUSES },
  { name: 'tls', stage: 'path', causes: TLS_CAUSES },
  { name: 'edge', stage: 'path', causes: EDGE_CAUSES },
  { name: 'gitlab', stage: 'path', causes: GITLAB_CAUSES },
  { name: 'token', stage: 'token', causes: TOKEN_CAUSES },
  { name: 'record', stage: 'record', causes: RECORD_CAUSES },
];

export const catalogue: readonly CauseSpec[] = FAMILIES.flatMap(({ causes }) => causes);

const BY_ID = new Map(catalogue.map((spec) => [spec.id, spec]));
const BY_REASON = new Map(catalogue.flatMap((spec) => spec.from.map((reason) => [reason, spec])));

const FAMILY_OF = new Map(
  FAMILIES.flatMap((family) => family.causes.map(({ id }) => [id, family] as const)),
);

/** The entry of an id. */
export function causeSpec(id: string): CauseSpec | undefined {
  return BY_ID.get(id);
}

/** The entry that reads an observation as itself: `tls/expired` → tls-certificate-expired. */
export function specOfReason(probe: string, reason: string): CauseSpec | undefined {
  return BY_REASON.get(`${probe}/${reason}`);
}

/** The probes that observe a cause, in the order of its entry. */
export function probesOf({ from }: CauseSpec): readonly string[] {
  return from.map((reason) => reason.slice(0, reason.indexOf('/')));
}

/** Whether a cause belongs to one of these families; an unknown id belongs to none. */
export function isOfFamily(id: string | undefined, ...names: readonly FamilyName[]): boolean {
  const family = FAMILY_OF.get(id ?? '');
  return family !== undefined && names.includes(family.name);
}

/** Position of a cause of this severity in the order of blame. */
export function stageOf({ id, severity: worst, breaks }: CauseSpec, severity: Severity): Stage {
  const family = FAMILY_OF.get(id)?.stage ?? 'resources';
  return breaks === true && severity === worst ? 'system' : family;
}
