/** The runner’s own identity towards GitLab: docs/reference/runner-config.md#trust-and-identity-towards-gitlab. */
import { X509Certificate, createPrivateKey } from 'node:crypto';

import type { FileFact, LintContext } from '../context.ts';
import { certFolders, fileOf, hostOf, isThere } from '../named-files.ts';
import type { Section } from '../parsed-config.ts';
import type { Rule } from '../rule.ts';
import { perEntry } from '../rule.ts';
import { filledAt } from '../values.ts';
import { atKey, atValue } from '../violation.ts';

export const CLIENT_CERTIFICATE_RULES: readonly Rule[] = [
  {
    code: 'T03',
    name: 'client-certificate-half',
    severity: 'error',
    effect: 'offline',
    title: 'Client certificate and key are not a pair',
    consequence:
      'The runner sends no certificate, and says nothing when one of the two is missing.',
    fix: 'Set `tls-cert-file` and `tls-key-file` to files that belong together.',
    needs: ['files'],
    check: perEntry((section, context) => {
      const certificate = filledAt(section.table, 'tls-cert-file');
      const key = filledAt(section.table, 'tls-key-file');
      const one = certificate ?? key;
      if (one === undefined) return [];
      if (certificate === undefined || key === undefined) {
        if (hasOtherHalf(section, certificate === undefined ? 'crt' : 'key', context)) return [];
        return [
          atKey(one.entry, `${section.label} has ${one.entry.key} alone`, {
            key: `runners.${one.entry.key}`,
          }),
        ];
      }
      const files = [
        fileOf(section, 'tls-cert-file', context),
        fileOf(section, 'tls-key-file', context),
      ] as const;
      const missing = files.find((file) => file?.fact.kind === 'missing');
      if (missing !== undefined)
        return [
          atValue(missing.entry, `${missing.entry.key} of ${section.label} does not exist`, {
            key: `runners.${missing.entry.key}`,
          }),
        ];
      return arePair(files[0]?.fact, files[1]?.fact) === false
        ? [
            atValue(key.entry, `tls-key-file of ${section.label} is not the key of tls-cert-file`, {
              key: 'runners.tls-key-file',
            }),
          ]
        : [];
    }),
  },
  {
    code: 'T04',
    name: 'key-for-everybody',
    severity: 'warning',
    title: 'Everybody may read the private key',
    consequence: 'Whoever has an account on this host can pretend to be the runner.',
    fix: 'Set its mode: `chmod 600`.',
    needs: ['files'],
    check: perEntry((section, context) => {
      const found = fileOf(section, 'tls-key-file', context);
      if (found === undefined || !isThere(found.fact) || (found.fact.mode & 0o004) === 0) return [];
      return [
        atValue(found.entry, `tls-key-file of ${section.label} is readable for everybody`, {
          key: 'runners.tls-key-file',
        }),
      ];
    }),
  },
];

/** `<host>.auth.crt` and `.auth.key` fill in for what the entry lacks. */
function hasOtherHalf(section: Section, half: 'crt' | 'key', context: LintContext): boolean {
  const host = hostOf(section, context);
  if (host === undefined || context.files === undefined) return false;
  const [folder] = certFolders(context);
  const fact = context.files.stat(`${folder}/${host}.auth.${half}`);
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
