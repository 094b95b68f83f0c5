/** docs/probes.md: what each probe asks, how often, which reasons it knows and what each asks you to do. */
import { COMMON_REASONS } from '../../src/core/finding.ts';
import type { Probe, ReasonSpec } from '../../src/core/probe.ts';
import { specOfReason } from '../../src/diagnosis/catalogue/index.ts';
import { PROBES } from '../../src/probes/index.ts';
import { code, head, table } from './markdown.ts';

export function probesPage(): string {
  return [
    ...head('Probes', '`src/probes/`'),
    'The links of the walk to GitLab, in their order, then what stands for itself. A link is tried only when those it needs',
    'passed; the rest read `skipped`.',
    '',
    ...PROBES.flatMap(section),
    '## Reasons that any probe may have',
    '',
    ...table(
      ['reason', 'meaning', 'what to do'],
      Object.entries(COMMON_REASONS).map(([reason, { meaning, action }]) => [
        code(reason),
        meaning,
        action,
      ]),
    ),
  ].join('\n');
}

function section(probe: Probe): readonly string[] {
  const { id, question, kind, needs, intervalSeconds, timeoutSeconds, reasons, measures } = probe;
  const needed =
    needs.length === 0 ? 'Needs nothing before it.' : `Needs ${needs.map(code).join(', ')}.`;
  return [
    `## ${id}`,
    '',
    question,
    '',
    `Target: ${kind}. Every ${intervalSeconds} s, at most ${timeoutSeconds} s. ${needed}`,
    '',
    ...table(
      ['reason', 'meaning', 'what to do', 'cause'],
      Object.entries<ReasonSpec>(reasons).map(([reason, { meaning, action }]) => [
        code(reason),
        meaning,
        action,
        causeOf(id, reason),
      ]),
    ),
    ...(Object.keys(measures).length === 0
      ? []
      : table(
          ['measure', 'what it is'],
          Object.entries(measures).map(([measure, { help }]) => [code(measure), help]),
        )),
  ];
}

function causeOf(probe: string, reason: string): string {
  const spec = specOfReason(probe, reason);
  return spec === undefined ? '' : `[${code(spec.id)}](causes.md#${spec.id})`;
}
