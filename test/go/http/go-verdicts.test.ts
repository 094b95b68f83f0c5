/** Every raw answer that was given to Go's client has the same verdict here. */
import { readFileSync } from 'node:fs';

import { describe, expect, test } from 'vitest';

import { redirectFault } from '../../../src/go/http/redirect.ts';
import { ResponseReader } from '../../../src/go/http/response-reader.ts';

interface Recorded {
  readonly name: string;
  readonly answer: string;
  readonly go: {
    readonly status?: number;
    readonly body?: string;
    readonly bodyError?: string;
    readonly error?: string;
    readonly followed?: boolean;
  };
}

const file = new URL('../../fixtures/go-http/answers.json', import.meta.url);
const { answers } = JSON.parse(readFileSync(file, 'utf8')) as { answers: readonly Recorded[] };

type Verdict = { readonly status: number; readonly body: string } | 'followed' | 'refused';

/** Go's errors in a trailer come after the JSON that the runner reads. */
const IN_TRAILER = /MIME header|reading trailer/;

function goVerdict({ go }: Recorded): Verdict {
  if (go.followed === true) return 'followed';
  const isRead = go.bodyError === undefined || IN_TRAILER.test(go.bodyError);
  return go.status === undefined || !isRead
    ? 'refused'
    : { status: go.status, body: go.body ?? '' };
}

/** The answer in parts of `size` bytes, then the end of the connection. */
function ourVerdict({ answer, go }: Recorded, size: number): Verdict {
  const reader = new ResponseReader();
  const bytes = Buffer.from(answer, 'latin1');
  for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size));
  reader.end();
  const { head, fault, isComplete } = reader;
  if (fault !== undefined || head === undefined || !isComplete) return 'refused';
  if (redirectFault(head.status, head.headers) !== undefined) return 'refused';
  if (go.followed === true && head.status >= 300) return 'followed';
  return { status: head.status, body: reader.body.toString('utf8') };
}

describe.each([1, 7, 100_000])('in parts of %i bytes', (size) => {
  test.each(answers)('$name', (recorded) => {
    expect(ourVerdict(recorded, size)).toEqual(goVerdict(recorded));
  });
});
