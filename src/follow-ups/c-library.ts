/**
 * Does the C library of this host resolve a name that the runner cannot?
 *
 * Source    getent(1), which uses the modules of nsswitch.conf; the runner, a static Go program, uses none of them.
 * Reasons   nss-mismatch: it resolves the name.
 */
import { detailOf } from '../core/finding.ts';
import { defineFollowUp } from '../core/follow-up.ts';
import { leadToCauses } from '../core/reason.ts';
import { firstHopOf } from '../go/dial/first-hop.ts';
import { resolveWithLibc } from '../host/net/getent.ts';

export const cLibrary = defineFollowUp({
  id: 'c-library',
  title: 'C library',
  question: 'Does the C library of this host resolve a name that the runner cannot?',
  after: ['dns/not-found'],
  revises: 'dns',
  cost: 'local',
  timeoutSeconds: 3,
  rememberSeconds: 60,
  reasons: {
    ...leadToCauses('nss-mismatch'),
  },
  measures: {},

  subject: (target) => firstHopOf(target).host,

  async run(target, { paths, signal, fault }) {
    const found = await resolveWithLibc(firstHopOf(target).host, paths, signal);
    const [address] = found;
    if (address === undefined) return {};
    const libc = found.join(', ');
    const detail = `${detailOf(fault.finding)}; the C library returns ${libc}`;
    const factor = 'C library or the resolver of the runner';
    const facts = { factor, libc, libc_address: address };
    return { status: 'fail', reason: 'nss-mismatch', detail, facts };
  },
});
