/** Faults that make Go reject a path to an anchor: dates, path length, usage, name constraints. */
import type { X509Certificate } from 'node:crypto';

import { dateAndAge } from '../../core/date-text.ts';
import type { Instant } from '../../core/clock.ts';
import { fieldsOf } from './certificate-fields.ts';
import type { CertificateProblem } from './certificate-problem.ts';
import { notAcceptableProblem } from './certificate-problem.ts';
import { subjectOf } from './certificate-text.ts';
import { nameViolation } from './name-constraints.ts';

/** `path` is leaf first, anchor last; a leaf that is its own anchor is the only member. */
export function pathProblems(
  path: readonly X509Certificate[],
  now: Instant,
): readonly CertificateProblem[] {
  const violation = nameViolation(path);
  return [
    ...path.flatMap((certificate, index) => dateProblems(certificate, index, now)),
    ...path.flatMap((certificate, index) => memberProblems(certificate, index)),
    ...(violation === undefined
      ? []
      : [notAcceptableProblem(`an issuer may not sign for this name: ${violation}`)]),
  ];
}

export function dateProblems(
  certificate: X509Certificate,
  index: number,
  now: Instant,
): readonly CertificateProblem[] {
  const { validFromDate, validToDate } = certificate;
  const who = certificateLabel(certificate, index);
  if (validToDate.getTime() < now) {
    const code = index === 0 ? 'expired' : 'intermediate-expired';
    return [{ code, text: `${who} expired on ${dateAndAge(validToDate.getTime(), now)}` }];
  }
  if (validFromDate.getTime() <= now) return [];
  return [
    {
      code: 'not-yet-valid',
      text: `${who} is not valid before ${dateAndAge(validFromDate.getTime(), now)}`,
    },
  ];
}

function memberProblems(
  certificate: X509Certificate,
  index: number,
): readonly CertificateProblem[] {
  const { authority, extendedUsages, unknownCritical } = fieldsOf(certificate);
  const who = certificateLabel(certificate, index);
  const below = index - 1;
  const isTooLong = index > 0 && below > (authority?.pathLength ?? below);
  return [
    isTooLong
      ? `${who} allows ${authority?.pathLength ?? 0} certificate authorities below it, but there are ${below} (path length)`
      : '',
    isForServers(extendedUsages) ? '' : `${who} is not for servers (extended key usage)`,
    unknownCritical.length === 0
      ? ''
      : `${who} has a critical extension that Go does not know (${unknownCritical.join(', ')})`,
  ]
    .filter((text) => text !== '')
    .map((text) => notAcceptableProblem(text));
}

function certificateLabel(certificate: X509Certificate, index: number): string {
  return index === 0 ? 'the certificate' : `the issuer ${subjectOf(certificate)}`;
}

const SERVER_AUTHENTICATION = '1.3.6.1.5.5.7.3.1';
const ANY_USAGE = '2.5.29.37.0';

/** Applies to every member of a path: an authority cannot grant a usage that it does not have. */
function isForServers(usages: readonly string[]): boolean {
  if (usages.length === 0) return true;
  return usages.includes(SERVER_AUTHENTICATION) || usages.includes(ANY_USAGE);
}
