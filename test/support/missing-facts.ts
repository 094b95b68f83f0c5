/** Which facts the cause of a finding names, and the finding does not have: each would be a hole in a text. */
import type { Finding } from '../../src/core/finding.ts';
import { reasonOf } from '../../src/core/finding.ts';
import { specOfReason } from '../../src/diagnosis/catalogue/index.ts';
import { contextOf, MISSING_FACT, PLACEHOLDERS } from '../../src/diagnosis/cause-spec.ts';

export function missingFacts(probe: string, finding: Finding): readonly string[] {
  // The certificate of a proxy is judged as that of GitLab.
  const problem = String(finding.facts?.['problem'] ?? '');
  const spec = specOfReason('tls', problem) ?? specOfReason(probe, reasonOf(finding) ?? '');
  if (spec === undefined) return [];
  const context = contextOf(PLACEHOLDERS, finding.facts ?? {});
  const texts = [
    spec.says(context),
    ...spec.fix(context).flatMap(({ text, command = '' }) => [text, command]),
  ];
  return texts.filter((text) => text.includes(MISSING_FACT)).map((text) => `${spec.id}: ${text}`);
}
