/**
 * Would a name server answer that the runner does not ask itself?
 *
 * Source    Servers beyond the third line of resolv.conf, and the upstreams of systemd-resolved or of Docker's DNS server where
 *           that is the only name server (go/dns/further-servers.ts). Each is queried once.
 * Reasons   none: facts for the cause of the lookup's failure.
 */

import type { FollowUpTools, Found } from '../core/follow-up.ts';
import { defineFollowUp } from '../core/follow-up.ts';
import { forwarderOf, ignoredServers } from '../go/dns/further-servers.ts';
import { addressesByServer, outcomesByServer } from '../go/dns/lookup-judgement.ts';
import { lookupOptionsOf } from '../go/dns/lookup-options.ts';
import { queryEachServer } from '../go/dns/resolver.ts';
import { readTextIn } from '../host/fs/in-root.ts';

/** More would be load, not evidence. */
const MAX_ASKED = 4;

export const furtherNameServers = defineFollowUp({
  id: 'further-name-servers',
  title: 'Further name servers',
  question: 'Would a name server answer that the runner does not ask itself?',
  after: ['dns/not-found', 'dns/server-failure', 'dns/timeout', 'dns/resolver-down'],
  revises: 'dns',
  cost: 'connections',
  timeoutSeconds: 3,
  rememberSeconds: 60,
  reasons: {},
  measures: {},

  subject: (_target, { walk: { resolution } }) =>
    resolution === undefined || resolution.servers.length === 0
      ? undefined
      : JSON.stringify([resolution.name, resolution.servers]),

  async run(_target, tools): Promise<Found<never>> {
    const { servers = [], names = [], name = '' } = tools.walk.resolution ?? {};
    const forwarder = forwarderOf(servers);
    const ignored = ignoredServers(await readText(tools, '/etc/resolv.conf'));
    const upstreams =
      forwarder === undefined ? [] : forwarder.upstreamsOf(await readText(tools, forwarder.file));
    const asked = [...ignored, ...upstreams].slice(0, MAX_ASKED);
    const queries = await queryEachServer(names[0] ?? name, asked, lookupOptionsOf(tools));
    const answers = addressesByServer(queries);
    const unused = ignored.find((server) => answers.has(server));
    return {
      facts: {
        ...(forwarder === undefined ? {} : { forwarder: forwarder.name }),
        ...(upstreams.length === 0
          ? {}
          : {
              upstream: upstreams[0] ?? '',
              upstreams: outcomesByServer(queries.filter((one) => upstreams.includes(one.server))),
            }),
        ...(unused === undefined ? {} : { unused_server: unused }),
      },
    };
  },
});

async function readText({ paths }: FollowUpTools, path: string): Promise<string> {
  return await readTextIn(paths, path).catch(() => '');
}
