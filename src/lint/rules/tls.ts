/**
 * Which certificate authorities the runner trusts, and which client certificate it sends
 * (docs/reference/runner-config.md#trust-and-identity-towards-gitlab).
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { join } from 'node:path';

import type { RunnerProcess } from '../../core/reading.ts';
import { certificatesOf } from '../../go/tls/pem.ts';
import type { User } from '../../host/fs/rights.ts';
import {
  certsDirectoryOf,
  SYSTEM_DIRECTORY,
  USER_DIRECTORY,
} from '../../host/place/runner-files.ts';
import type { FileFact, LintContext } from '../context.ts';
import { asRunnerSees, fileOf, hostOf, isAllowed, isThere } from '../named-files.ts';
import type { Section } from '../parsed-config.ts';
import type { Rule } from '../rule.ts';
import { perEntry } from '../rule.ts';
import { filledAt } from '../values.ts';
import type { Violation } from '../violation.ts';
import { atKey, atValue } from '../violation.ts';

const KEYS = ['tls-ca-file', 'tls-cert-file', 'tls-key-file'] as const;

/** Why the runner cannot use a CA file. */
function uselessCa(fact: FileFact, who: User | undefined): string | undefined {
  if (fact.kind === 'missing') return 'does not exist';
  if (fact.kind === 'unknown') return undefined;
  if (fact.kind !== 'file') return 'is not a file';
  if (who !== undefined && isAllowed(fact, who, 'read') === false)
    return `cannot be read by uid ${who.uid}`;
  if (fact.content === undefined) return undefined;
  if (fact.content.trim() === '') return 'is empty';
  if (certificatesOf(fact.content).length > 0) return undefined;
  return fact.content.includes('-----BEGIN')
    ? 'contains no certificate that Go can parse'
    : 'is not PEM';
}

export const TLS_RULES: readonly Rule[] = [
  {
    code: 'T01',
    name: 'ca-file-useless',
    severity: 'error',
    effect: 'offline',
    title: 'The runner cannot use `tls-ca-file`',
    consequence:
      'The runner trusts only the certificate authorities of the system, and rejects a GitLab certificate from any other.',
    fix: 'Write the certificate of the certificate authority to this file as PEM, readable for the runner.',
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
    title: 'The path of a TLS file is relative',
    consequence:
      'It is relative to the working directory of the runner process, not to the directory of config.toml.',
    fix: 'Write the absolute path.',
    check: perEntry(({ table }, context) =>
      KEYS.flatMap((key) => {
        const found = filledAt(table, key);
        if (found === undefined || found.value.startsWith('/') || /^[A-Za-z]:\\/.test(found.value))
          return [];
        const path = asRunnerSees(found.value, context);
        const means = path === undefined ? '' : `: the runner reads ${path}`;
        return [atValue(found.entry, `${key} is relative${means}`, { key: `runners.${key}` })];
      }),
    ),
  },
  {
    code: 'T03',
    name: 'client-certificate-half',
    severity: 'error',
    effect: 'offline',
    title: 'Client certificate and key are not a pair',
    consequence:
      'The runner sends no client certificate; it logs nothing when one of the two is missing.',
    fix: 'Set `tls-cert-file` and `tls-key-file` to a certificate and its key.',
    needs: ['files'],
    check: perEntry(clientPair),
  },
  {
    code: 'T04',
    name: 'key-for-everybody',
    severity: 'warning',
    title: 'Every user may read the private key',
    consequence: 'Everyone with an account on this host can act as this runner.',
    fix: 'Set its mode: `chmod 600`.',
    needs: ['files'],
    check: perEntry((section, context) => {
      const found = fileOf(section, 'tls-key-file', context);
      if (found === undefined || !isThere(found.fact) || (found.fact.mode & 0o004) === 0) return [];
      const message = `tls-key-file of ${section.label} is readable for every user`;
      return [atValue(found.entry, message, { key: 'runners.tls-key-file' })];
    }),
  },
  {
    code: 'T05',
    name: 'ca-in-the-wrong-folder',
    severity: 'warning',
    title: 'The CA file of this GitLab is in a directory that the runner process does not read',
    consequence:
      'A runner that runs as root reads /etc/gitlab-runner/certs, any other reads ~/.gitlab-runner/certs.',
    fix: 'Move the file to that directory, or set `tls-ca-file`.',
    needs: ['files', 'process'],
    check: perEntry((section, context) => wrongFolder(section, context)),
  },
  {
    code: 'T06',
    name: 'ca-file-will-break',
    severity: 'warning',
    title: 'The certificate in `tls-ca-file` has expired, or is that of the server',
    consequence: 'The runner rejects GitLab as soon as the certificate of the server is renewed.',
    fix: 'Write the certificate of the certificate authority to this file.',
    needs: ['files'],
    check: perEntry((section, context) => {
      const found = fileOf(section, 'tls-ca-file', context);
      const text = found !== undefined && isThere(found.fact) ? (found.fact.content ?? '') : '';
      const certificates = certificatesOf(text);
      if (found === undefined || certificates.length === 0) return [];
      const expired = certificates.filter((one) => one.validToDate.getTime() <= context.now);
      const message = [
        ...(expired.length === certificates.length
          ? [`of ${section.label} contains only expired certificates`]
          : []),
        ...(certificates.some((one) => one.ca || isSelfSigned(one))
          ? []
          : [`of ${section.label} contains a server certificate, and no certificate authority`]),
      ];
      return message.map((says) =>
        atValue(found.entry, `tls-ca-file ${says}`, { key: 'runners.tls-ca-file' }),
      );
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
  const own = certsDirectoryOf(process);
  const file = join(certsDirectoryOfOthers(process), `${host}.crt`);
  if (own === undefined || isThere(files?.stat(join(own, `${host}.crt`)))) return [];
  if (!isThere(files?.stat(file))) return [];
  const message = `a runner with uid ${process.uid} does not read ${file}`;
  const more = { key: 'runners.tls-ca-file', corrected: `tls-ca-file = "${file}"` };
  return [atValue(url.entry, message, more)];
}

/** Where a runner of another user reads it: root's for a user, and for root the one in its home. */
function certsDirectoryOfOthers({ uid, environment }: RunnerProcess): string {
  const home = environment?.['HOME'] ?? '/root';
  return join(uid === 0 ? join(home, USER_DIRECTORY) : SYSTEM_DIRECTORY, 'certs');
}

function clientPair(section: Section, context: LintContext): readonly Violation[] {
  const certificate = filledAt(section.table, 'tls-cert-file');
  const key = filledAt(section.table, 'tls-key-file');
  const one = certificate ?? key;
  if (one === undefined) return [];
  if (certificate === undefined || key === undefined) {
    if (hasOtherHalf(section, certificate === undefined ? 'crt' : 'key', context)) return [];
    const other = certificate === undefined ? 'tls-cert-file' : 'tls-key-file';
    const message = `${section.label} has ${one.entry.key} and no ${other}`;
    return [atKey(one.entry, message, { key: `runners.${one.entry.key}` })];
  }
  const files = [
    fileOf(section, 'tls-cert-file', context),
    fileOf(section, 'tls-key-file', context),
  ] as const;
  const missing = files.find((file) => file?.fact.kind === 'missing');
  if (missing !== undefined) {
    const name = missing.entry.key;
    const message = `${name} of ${section.label} does not exist`;
    return [atValue(missing.entry, message, { key: `runners.${name}` })];
  }
  if (arePair(files[0]?.fact, files[1]?.fact) !== false) return [];
  const message = `tls-key-file of ${section.label} is not the key of tls-cert-file`;
  return [atValue(key.entry, message, { key: 'runners.tls-key-file' })];
}

/** The runner uses `<host>.auth.crt` and `.auth.key` for what the entry lacks. */
function hasOtherHalf(section: Section, half: 'crt' | 'key', context: LintContext): boolean {
  const host = hostOf(section, context);
  if (host === undefined || context.files === undefined) return false;
  const folder = certsDirectoryOf(context.process);
  const fact =
    folder === undefined ? undefined : context.files.stat(join(folder, `${host}.auth.${half}`));
  return fact === undefined || isThere(fact) || fact.kind === 'unknown';
}

function arePair(
  certificate: FileFact | undefined,
  key: FileFact | undefined,
): boolean | undefined {
  const [cert, secret] = [certificate, key].map((fact) =>
    isThere(fact) ? fact.content : undefined,
  );
  if (cert === undefined || secret === undefined) return undefined;
  try {
    return new X509Certificate(cert).checkPrivateKey(createPrivateKey(secret));
  } catch {
    return false;
  }
}
