/** The catalogue of causes, in the order of blame within each family. */
import type { CauseSpec } from '../cause-spec.ts';
import { CONFIG_CAUSES } from './config.ts';
import { DNS_CAUSES } from './dns.ts';
import { EDGE_CAUSES } from './edge.ts';
import { EXECUTOR_CAUSES } from './executor.ts';
import { GITLAB_STATE_CAUSES } from './gitlab-state.ts';
import { GITLAB_CAUSES } from './gitlab.ts';
import { HOST_CAUSES } from './host.ts';
import { JOB_CAUSES } from './jobs.ts';
import { LIMIT_CAUSES } from './limits.ts';
import { LINT_CAUSES } from './lint.ts';
import { NETWORK_CAUSES } from './network.ts';
import { NETWORK_QUALITY_CAUSES } from './network-quality.ts';
import { PROCESS_CAUSES } from './process.ts';
import { PROXY_CHOICE_CAUSES } from './proxy-choice.ts';
import { PROXY_CAUSES } from './proxy.ts';
import { RECORD_CAUSES } from './record.ts';
import { RUNNER_CAUSES } from './runner.ts';
import { TLS_HANDSHAKE_CAUSES } from './tls-handshake.ts';
import { TLS_TRUST_CAUSES } from './tls-trust.ts';
import { TOKEN_CAUSES } from './token.ts';

export const catalogue: readonly CauseSpec[] = [
  ...CONFIG_CAUSES,
  ...LINT_CAUSES,
  ...PROCESS_CAUSES,
  ...RUNNER_CAUSES,
  ...LIMIT_CAUSES,
  ...EXECUTOR_CAUSES,
  ...JOB_CAUSES,
  ...HOST_CAUSES,
  ...DNS_CAUSES,
  ...NETWORK_QUALITY_CAUSES,
  ...NETWORK_CAUSES,
  ...PROXY_CHOICE_CAUSES,
  ...PROXY_CAUSES,
  ...TLS_TRUST_CAUSES,
  ...TLS_HANDSHAKE_CAUSES,
  ...EDGE_CAUSES,
  ...GITLAB_STATE_CAUSES,
  ...GITLAB_CAUSES,
  ...TOKEN_CAUSES,
  ...RECORD_CAUSES,
];

const BY_ID = new Map(catalogue.map((spec) => [spec.id, spec]));
const BY_REASON = new Map(catalogue.flatMap((spec) => spec.from.map((reason) => [reason, spec])));

/** The entry of an id. */
export function causeSpec(id: string): CauseSpec | undefined {
  return BY_ID.get(id);
}

/** The entry that reads an observation as itself: `tls/expired` → tls-certificate-expired. */
export function specOfReason(probe: string, reason: string): CauseSpec | undefined {
  return BY_REASON.get(`${probe}/${reason}`);
}
