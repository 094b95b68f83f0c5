/**
 * Which authorities, and which identity of its own, the runner uses towards GitLab:
 * docs/reference/runner-config.md#trust-and-identity-towards-gitlab.
 */
import type { X509Certificate } from 'node:crypto';

import { certificatesOf } from '../../go/tls/pem.ts';
import type { FileFact, LintContext } from '../context.ts';
import { DOCKER_EXECUTORS } from '../executors.ts';
import type { User } from '../named-files.ts';
import { asRunnerSees, certFolders, fileOf, hostOf, isAllowed, isThere } from '../named-files.ts';
import type { Section } from '../parsed-config.ts';
import type { Rule } from '../rule.ts';
import { perEntry, perEntryOf } from '../rule.ts';
import { entryAt, filledAt, flagAt } from '../values.ts';
import type { Violation } from '../violation.ts';
import { atKey, atValue } from '../violation.ts';

const KEYS = ['tls-ca-file', 'tls-cert-file', 'tls-key-file'] as const;

/** Why the runner makes nothing of a CA file. */
function uselessCa(fact: FileFact, who: User | undefined): string | undefined {
  if (fact.kind === 'missing') return 'does not exist';
  if (fact.kind === 'unknown') return undefined;
  if (fact.kind !== 'file') return 'is no file';
  if (who !== undefined && isAllowed(fact, who, 4) === false)
    return `cannot be read by uid ${who.uid}`;
  if (fact.content === undefined) return undefined;
  if (fact.content.trim() === '') return 'is empty';
  if (certificatesOf(fact.content).length > 0) return undefined;
  return fact.content.includes('-----BEGIN')
    ? 'holds no certificate that Go can read'
    : 'is not PEM';
}

export const TRUST_RULES: readonly Rule[] = [
  {
    code: 'T01',
    name: 'ca-file-useless',
    severity: 'error',
    effect: 'offline',
    title: 'The runner can make nothing of `tls-ca-file`',
    consequence:
      'It goes on with the system’s authorities alone, and refuses a GitLab whose certificate comes from another one.',
    fix: 'Put the authority’s certificate there as PEM, readable for the runner.',
    needs: ['files'],
    check: perEntry((section, context) => {
      const found = fileOf(section, 'tls-ca-file', context);
      const why = found === undefined ? undefined : uselessCa(found.fact, context.process);
      return found === undefined || why === undefined
        ? []
        : [
            atValue(found.entry, `tls-ca-file of ${section.label} ${why}`, {
              key: 'runners.tls-ca-file',
            }),
          ];
    }),
  },
  {
    code: 'T02',
    name: 'trust-path-relative',
    severity: 'warning',
    title: 'A tls path is relative',
    consequence:
      'It counts from the working directory of the process, not from the folder of the file.',
    fix: 'Write the whole path.',
    check: perEntry(({ table }, context) =>
      KEYS.flatMap((key) => {
        const found = filledAt(table, key);
        if (found === undefined || found.value.startsWith('/') || /^[A-Za-z]:\\/.test(found.value))
          return [];
        const path = asRunnerSees(found.value, context);
        const means = path === undefined ? '' : `, and means ${path}`;
        return [atValue(found.entry, `${key} is relative${means}`, { key: `runners.${key}` })];
      }),
    ),
  },
  {
    code: 'T05',
    name: 'ca-in-the-wrong-folder',
    severity: 'warning',
    title: 'There is a CA file for this host where this process does not look',
    consequence:
      'A process of root looks into /etc/gitlab-runner/certs, any other into ~/.gitlab-runner/certs.',
    fix: 'Move it there, or name it with `tls-ca-file`.',
    needs: ['files', 'process'],
    check: perEntry((section, context) => wrongFolder(section, context)),
  },
  {
    code: 'T06',
    name: 'ca-file-will-break',
    severity: 'warning',
    title: 'The certificate in `tls-ca-file` has expired, or is the server’s own',
    consequence: 'Trust ends with that certificate: at its renewal the runner refuses GitLab.',
    fix: 'Put the certificate of the authority there, which outlives those of servers.',
    needs: ['files'],
    check: perEntry((section, context) => {
      const found = fileOf(section, 'tls-ca-file', context);
      const text = found !== undefined && isThere(found.fact) ? (found.fact.content ?? '') : '';
      const certificates = certificatesOf(text);
      if (found === undefined || certificates.length === 0) return [];
      const expired = certificates.filter((one) => one.validToDate.getTime() <= context.now);
      const message = [
        ...(expired.length === certificates.length
          ? [`of ${section.label} holds only certificates that have expired`]
          : []),
        ...(certificates.some((one) => one.ca || isSelfSigned(one))
          ? []
          : [`of ${section.label} holds no authority, only a server’s certificate`]),
      ];
      return message.map((says) =>
        atValue(found.entry, `tls-ca-file ${says}`, { key: 'runners.tls-ca-file' }),
      );
    }),
  },
  {
    code: 'T07',
    name: 'tls-verify-not-for-gitlab',
    severity: 'info',
    title: '`tls_verify = false` changes nothing towards GitLab',
    consequence:
      'It is about the connection to Docker, where false is the default; GitLab’s certificate is always verified.',
    fix: 'Remove it; trust GitLab’s authority with `tls-ca-file`.',
    check: perEntryOf(DOCKER_EXECUTORS, ({ table }) => {
      const found = flagAt(table, 'docker', 'tls_verify');
      const others = [entryAt(table, 'docker', 'host'), entryAt(table, 'docker', 'tls_cert_path')];
      if (found?.value !== false || others.some((one) => one !== undefined)) return [];
      return [
        atKey(
          found.entry,
          'tls_verify = false does not turn off the verification of GitLab’s certificate',
          { key: 'runners.docker.tls_verify' },
        ),
      ];
    }),
  },
];

function isSelfSigned(certificate: X509Certificate): boolean {
  return certificate.checkIssued(certificate);
}

function wrongFolder(section: Section, context: LintContext): readonly Violation[] {
  const { files, process } = context;
  const host = hostOf(section, context);
  const url = filledAt(section.table, 'url');
  const isNamed = filledAt(section.table, 'tls-ca-file') !== undefined;
  if (process === undefined || url === undefined || host === undefined || isNamed) return [];
  const [own, other] = certFolders(context);
  const file = `${other}/${host}.crt`;
  if (isThere(files?.stat(`${own}/${host}.crt`)) || !isThere(files?.stat(file))) return [];
  const message = `${file} is not read by a process of uid ${process.uid}`;
  const more = { key: 'runners.tls-ca-file', corrected: `tls-ca-file = "${file}"` };
  return [atValue(url.entry, message, more)];
}
