/** The form of a refinement: a narrower cause from another check at the same time. */
import type { CheckState } from '../../core/check.ts';
import type { Fact } from '../../core/finding.ts';
import type { EndpointTarget } from '../../core/target.ts';
import type { Severity } from '../../core/vocabulary.ts';
import type { CauseSpec } from '../cause-spec.ts';
import type { SnapshotIndex } from '../snapshot-index.ts';

export interface Refined {
  readonly spec: CauseSpec;
  /** If it is more or less severe than the catalogue says. */
  readonly severity?: Severity;
  /** For the summary and the fix, in addition to the facts of the link. */
  readonly facts?: Readonly<Record<string, Fact>>;
}

export type Refinement = (
  link: CheckState,
  endpoint: EndpointTarget,
  indexed: SnapshotIndex,
) => Refined | undefined;
