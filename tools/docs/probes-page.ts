/** docs/probes.md: what each probe asks, how often, which reasons it knows and what each asks you to do. */
import { COMMON_REASONS } from '../../src/core/finding.ts';
import { COSTS } from '../../src/core/follow-up.ts';
import type { Probe } from '../../src/core/probe.ts';
import type { ReasonSpec } from '../../src/core/reason.ts';
import { specOfReason } from '../../src/diagnosis/catalogue/index.ts';
import { FOLLOW_UPS } from '../../src/follow-ups/index.ts';
import { code, head, table } from './markdown.ts';

export function probesPage(probes: readonly Probe[]): string {
  return [
    ...head('Probes', '`src/probes/` and `src/follow-ups/`'),
    'The links of the path to GitLab in their order, then the other checks. A link is tested only if the links it needs',
    'passed; otherwise it is `skipped`.',
    '',
    ...probes.flatMap(section),
    ...followUpsSection(),
    '## Reasons of every probe',
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

/** What is tried after a finding, and what that costs. */
function followUpsSection(): readonly string[] {
  return [
    '## Follow-ups',
    '',
    'Run after a link fails, to find which one factor changes the result. The result makes the finding of the link more',
    'exact, or is a check of its own. It is kept for the time shown while the fault and its subject stay the same.',
    '',
    ...table(
      ['follow-up', 'question', 'after', 'result', 'cost', 'holds'],
      FOLLOW_UPS.map(({ id, question, after, revises, cost, rememberSeconds }) => [
        code(id),
        question,
        after.map(code).join(', '),
        revises === undefined ? `check ${code(id)}` : `finding of ${code(revises)}`,
        COSTS[cost].meaning,
        rememberSeconds === 0 ? 'one walk' : `${rememberSeconds} s`,
      ]),
    ),
  ];
}

function section(probe: Probe): readonly string[] {
  const { id, question, kind, needs, intervalSeconds, timeoutSeconds, reasons, measures } = probe;
  const needed =
    needs.length === 0 ? 'Needs no other link.' : `Needs ${needs.map(code).join(', ')}.`;
  return [
    `## ${id}`,
    '',
    question,
    '',
    probe.followUp === undefined
      ? `Target: ${kind}. Every ${intervalSeconds} s, at most ${timeoutSeconds} s. ${needed}`
      : `Target: ${kind}. A [follow-up](#follow-ups), at most ${timeoutSeconds} s.`,
    '',
    ...table(
      ['reason', 'meaning', 'what to do'],
      Object.entries<ReasonSpec>(reasons).map(([reason, spec]) => [
        code(reason),
        ...textsOf(id, reason, spec),
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

/** Meaning and action: those of its cause, where an entry of the catalogue reads it. */
function textsOf(probe: string, reason: string, spec: ReasonSpec): readonly [string, string] {
  if ('meaning' in spec) return [spec.meaning, spec.action];
  const cause = specOfReason(probe, reason);
  if (cause === undefined)
    throw new Error(
      `${probe} declares that ${reason} leads to a cause, and no entry of src/diagnosis/catalogue/ has '${probe}/${reason}' in its from; add it there, or give the reason its own severity, meaning and action`,
    );
  const { observed = `${cause.title}.` } = spec;
  return [observed, `Follow [${code(cause.id)}](causes.md#${cause.id}).`];
}
