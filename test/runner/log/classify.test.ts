/** The lines of docs/reference/runner-log.md, as they are written, and what each is taken for. */
import { describe, expect, test } from 'vitest';

import { catalogue } from '../../../src/diagnosis/catalogue/index.ts';
import { classify, FRAGMENTS, LOG_CAUSES } from '../../../src/runner/log/classify.ts';
import { parseLine } from '../../../src/runner/log/log-line.ts';
import { textOf } from '../../support/references.ts';
import { json, logfmt, inColours } from '../../support/runner-lines.ts';
import type { LogEntry } from '../../support/runner-lines.ts';
import { KNOWN_LINES } from './known-lines.ts';

function eventOf(line: string) {
  const parsed = parseLine(line);
  return parsed === undefined ? undefined : classify(parsed);
}

describe('each known line, in each format', () => {
  test.each(KNOWN_LINES)('$n: $entry.message → $kind $cause', ({ n, entry, kind, cause }) => {
    for (const write of [inColours, logfmt, json]) {
      const event = eventOf(write(entry));
      expect([event?.kind, event?.cause, event?.facts['fragment']]).toEqual([kind, cause, n]);
    }
  });

  test('every row of the table has a line here', () => {
    const tried = new Set(KNOWN_LINES.map(({ n }) => n));

    expect([...new Set(FRAGMENTS.map(({ n }) => n))].filter((n) => !tried.has(n))).toEqual([]);
  });

  test('the page docs/reference/runner-log.md has the same rows', () => {
    const page = textOf('docs/reference/runner-log.md');
    const rows = [...page.matchAll(/^\| (?<row>\d+) \|/gm)].map(({ groups }) =>
      Number(groups?.['row']),
    );
    const known = [...new Set(FRAGMENTS.map(({ n }) => n))].filter((n) => n > 0);

    expect([...new Set(rows)].toSorted((a, b) => a - b)).toEqual(known.toSorted((a, b) => a - b));
  });

  test('a line points at known causes only', () => {
    const ids = new Set<string>(catalogue.map(({ id }) => id));

    expect(LOG_CAUSES.filter((id) => !ids.has(id))).toEqual([]);
  });
});

describe('lines that the runner has not written mean nothing', () => {
  test.each([
    'x509: certificate signed by unknown authority',
    'WARNING: x509: certificate signed by unknown authority',
    'fatal: unable to access: The requested URL returned error: 403 Forbidden',
    'write /builds/x: no space left on device',
    'npm ERR! toomanyrequests: You have reached your pull rate limit',
    'panic in my test: dial tcp 10.0.0.2:443: connect: connection refused',
    '$ echo ERROR: Checking for jobs... forbidden runner=abc status=403 Forbidden',
    // The level is missing: the runner would not write it so.
    'Checking for jobs... failed runner=abc status=x509: certificate signed by unknown authority',
    "Certificate doesn't provide parent URL: exiting the loop  Issuer=Example context=certificate-chain-build",
  ])('%s', (line) => {
    expect(eventOf(line)).toBeUndefined();
  });

  test('a script that failed is no fault of the runner, with any output', () => {
    const fields = { error: 'exit code 1', failure_reason: 'script_failure', runner: 'abc12defg' };
    const message = 'Job failed: exit code 1 x509: no space left on device';
    const entry: LogEntry = { level: 'warning', message, fields };

    expect(eventOf(inColours(entry))).toMatchObject({ kind: 'job-ended' });
    expect(eventOf(inColours(entry))?.cause).toBeUndefined();
  });
});

test('a WAF’s refusal and GitLab’s own differ in the shape of the status alone', () => {
  const fields = { runner: 'abc12defg' };
  const message = 'Checking for jobs... forbidden';
  const own = { ...fields, status: 'POST https://gitlab.test/api/v4/jobs/request: 403 Forbidden' };
  const foreign = { ...fields, status: '403 Forbidden' };

  expect(eventOf(inColours({ level: 'error', message, fields: own }))?.cause).toBe(
    'token-rejected',
  );
  expect(eventOf(inColours({ level: 'error', message, fields: foreign }))?.cause).toBe(
    'edge-waf-blocked',
  );
});

test('a refusal in GitLab’s form with an id of the runner’s own never passed through GitLab', () => {
  const fields = {
    correlation_id: '0123456789abcdef0123456789abcdef',
    runner: 'abc12defg',
    status: 'POST https://gitlab.test/api/v4/jobs/request: 403 Forbidden',
  };
  const message = 'Checking for jobs... forbidden';

  expect(eventOf(inColours({ level: 'error', message, fields }))?.cause).toBe('edge-waf-blocked');
});

test('the penalty names address and short token in one token, and its length', () => {
  const line =
    'ERROR: Runner "https://gitlab.test/abc12defg" is unhealthy and will be disabled for 1h0m0s seconds!  unhealthy_requests=3 unhealthy_requests_limit=3';

  expect(eventOf(line)).toEqual({
    kind: 'disabled',
    cause: 'runner-disabled-unhealthy',
    facts: {
      fragment: 43,
      name: 'https://gitlab.test/abc12defg',
      disabled_for: '1h0m0s',
      unhealthy_requests: '3',
    },
    data: {},
  });
});
