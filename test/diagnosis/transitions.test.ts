/** Log lines of a judgement that changes: one for each transition, none while nothing changes. */
import { describe, expect, test } from 'vitest';

import { logTransitions, transitionsBetween } from '../../src/diagnosis/cause-tracker.ts';
import type { Diagnosis } from '../../src/core/diagnosis.ts';
import type { LogData } from '../../src/log.ts';
import { diagnose } from '../../src/diagnosis/diagnose.ts';
import { brokenAt, fail, GITLAB, snapshotOf, warn } from '../support/snapshots.ts';

function diagnoseFindings(findings: Parameters<typeof snapshotOf>[0] = {}): Diagnosis {
  return diagnose(snapshotOf(findings));
}

interface Line {
  readonly level: string;
  readonly message: string;
  readonly data: LogData;
}

function logLines(before: Diagnosis | undefined, after: Diagnosis): readonly Line[] {
  const lines: Line[] = [];
  const write =
    (level: string) =>
    (data: LogData, message: string): void =>
      void lines.push({ level, message, data });
  const log = {
    level: 'info',
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
  };
  logTransitions(log, transitionsBetween(before, after));
  return lines;
}

function linesOf(before: Diagnosis | undefined, after: Diagnosis): readonly string[] {
  return logLines(before, after).map(
    ({ level, message, data }) => `${level} ${message}: ${String(data['cause'] ?? data['to'])}`,
  );
}

const refusedConnect = (streak: number) =>
  brokenAt('connect', { finding: fail('refused'), streak });
const suspected = diagnoseFindings(refusedConnect(1));
const confirmed = diagnoseFindings(refusedConnect(2));

describe('a change', () => {
  test.each([
    [
      'the first diagnosis of a healthy host',
      undefined,
      diagnoseFindings(),
      ['info verdict changed: healthy'],
    ],
    [
      'a cause that appears',
      diagnoseFindings(),
      suspected,
      ['warn cause appeared: tcp-connection-refused', 'info verdict changed: broken'],
    ],
    [
      'a cause that is confirmed',
      suspected,
      confirmed,
      ['warn cause confirmed: tcp-connection-refused'],
    ],
    [
      'a cause that goes',
      confirmed,
      diagnoseFindings(),
      ['info cause resolved: tcp-connection-refused', 'info verdict changed: healthy'],
    ],
    [
      'another cause in its place',
      confirmed,
      diagnoseFindings(brokenAt('dns', fail('timeout'))),
      ['warn cause appeared: dns-timeout', 'info cause resolved: tcp-connection-refused'],
    ],
  ])('%s', (_what, before, after, lines) => {
    expect(linesOf(before, after)).toEqual(lines);
  });

  test('of nothing is no line, however often it is diagnosed', () => {
    expect(linesOf(confirmed, diagnoseFindings(refusedConnect(3)))).toEqual([]);
    expect(linesOf(diagnoseFindings(), diagnoseFindings())).toEqual([]);
  });

  test('of the same cause at another place is a change', () => {
    const first = diagnoseFindings({ 'token@runnerAA1': fail('rejected') });
    const second = diagnoseFindings({ 'token@runnerAA2': fail('rejected') });

    expect(linesOf(first, second)).toEqual([
      'warn cause appeared: token-rejected',
      'info cause resolved: token-rejected',
    ]);
  });

  test('carries what a reader needs as data, beside a constant message', () => {
    expect(logLines(diagnoseFindings(), suspected)[0]).toEqual({
      level: 'warn',
      message: 'cause appeared',
      data: {
        cause: 'tcp-connection-refused',
        severity: 'critical',
        confidence: 'suspected',
        target: GITLAB,
        runners: ['runnerAA1', 'runnerAA2'],
        summary: suspected.causes[0]?.summary,
      },
    });
    expect(logLines(undefined, diagnoseFindings({ dns: warn('slow') })).at(-1)?.data).toMatchObject(
      {
        from: 'none',
        to: 'degraded',
      },
    );
  });
});
