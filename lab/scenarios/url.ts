/** Forms of `url`, as Go reads them. */
import { createServer } from 'node:https';

import { GOOD } from '../peers/pki.ts';
import { CANARY, usualEntry } from '../runner-config.ts';
import { printedFix } from '../printed-fix.ts';
import type { Row } from '../scenario.ts';
import type { World } from '../world.ts';

const CONFIG = '/etc/gitlab-runner/config.toml';

const LOGIN = Buffer.from(`lab:${CANARY}`).toString('base64');

/** A web server in front of GitLab that requires a login. */
async function wantLogin({ gitlab }: World): Promise<void> {
  const { certificatePem: cert, privateKeyPem: key } = GOOD;
  await gitlab.replace(() =>
    createServer({ cert, key }, (request, response) => {
      if (request.headers.authorization === `Basic ${LOGIN}`) {
        gitlab.application.listener(request, response);
      } else response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="lab"' }).end();
    }),
  );
}

/** An address as other programs read it; Go looks for a host of that name. */
const ODD_ADDRESSES = ['010.200.0.2', '10.200.2', '181927938', '0x0ac80002'];

const oddRows: readonly Row[] = ODD_ADDRESSES.map((address, nth) => ({
  id: `U-01${'abcd'[nth] ?? ''}`,
  title: `url has the address ${address}, which Go does not read as one`,
  inject: ({ files }) => files.edit(CONFIG, 'gitlab.test', address),
  expect: {
    cause: 'dns-name-not-found',
    severity: 'critical',
    chain: 'F/s/n/s/s/s/s',
    says: /not an IP address/,
  },
  runnerLogs: /no such host/,
  mustNot: ['tls-hostname-mismatch', 'tcp-connection-refused'],
  fix: printedFix(/sed -e .*config\.toml/),
}));

export const urlRows: readonly Row[] = [
  ...oddRows,
  {
    id: 'U-02',
    title: 'url is in capitals',
    world: { entries: [usualEntry({ url: 'HTTPS://GitLab.TEST/' })] },
    allowed: [],
  },
  {
    id: 'U-03',
    title: 'a web server in front of GitLab wants a login, and url has it',
    world: {
      entries: [usualEntry({ url: `https://lab:${CANARY}@gitlab.test/` })],
      before: wantLogin,
    },
    allowed: [],
  },
];
