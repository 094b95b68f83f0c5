/** The form of a refinement: a look at something else that was seen at the same time. */
import type { CheckState } from '../../core/check.ts';
import type { Fact } from '../../core/finding.ts';
import type { EndpointTarget } from '../../core/target.ts';
import type { Severity } from '../../core/vocabulary.ts';
import type { CauseSpec } from '../cause-spec.ts';
import type { SnapshotIndex } from '../snapshot-index.ts';

export interface Refined {
  readonly spec: CauseSpec;
  /** Where it is worse, or less bad, than the entry says. */
  readonly severity?: Severity;
  /** For the wording and the fix, beside the link's own. */
  readonly facts?: Readonly<Record<string, Fact>>;
}

export type Refinement = (
  link: CheckState,
  endpoint: EndpointTarget,
  indexed: SnapshotIndex,
) => Refined | undefined;
