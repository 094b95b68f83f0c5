import { describe, expect, test } from 'vitest';

import type { AcceptanceCase } from '../../support/acceptance-case.ts';
import { CONSTRAINT_CASES } from '../../support/acceptance-constraints.ts';
import { NAME_CASES } from '../../support/acceptance-names.ts';
import { PROTOCOL_CASES } from '../../support/acceptance-protocol.ts';
import { SHAPE_CASES } from '../../support/acceptance-shape.ts';
import { TRUST_CASES } from '../../support/acceptance-trust.ts';
import { BUNDLE, HOST, probeTls } from '../../support/probe-tls.ts';
import { startTlsServer } from '../../support/tls-server.ts';

async function shake({ chain, trusted, host = HOST, server = {} }: AcceptanceCase) {
  await using peer = await startTlsServer({ chain, ...server });
  const files = { [BUNDLE]: trusted.map(({ pem }) => pem).join('') };
  const finding = await probeTls({ port: peer.port, host, files });
  if (finding.status === 'pass') return { as: 'accepted', detail: '' };
  return { as: finding.reason, detail: finding.detail };
}

describe.each([
  ['who signed it', TRUST_CASES],
  ['what it is', SHAPE_CASES],
  ['whom it names', NAME_CASES],
  ['what its issuers may sign', CONSTRAINT_CASES],
  ['how the server speaks', PROTOCOL_CASES],
])('a certificate is accepted exactly when Go would: %s', (_, cases) => {
  test.each(cases.map((one) => [one.row, one.want, one] as const))(
    '%s: %s',
    async (_row, want, one) => {
      const { as, detail } = await shake(one);
      expect(`${as}: ${detail}`).toContain(one.detail ?? want);
      expect(as).toBe(want);
    },
  );
});
