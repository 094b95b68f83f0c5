/** How the runner reaches Docker: docs/reference/runner-config.md#docker. */
import type { FileFact, LintContext } from '../context.ts';
import { hostFault } from '../docker-values.ts';
import { asRunnerSees, isAllowed } from '../named-files.ts';
import type { Section } from '../parsed-config.ts';
import type { Rule } from '../rule.ts';
import type { Found } from '../values.ts';
import { filledAt, flagAt } from '../values.ts';
import type { Violation } from '../violation.ts';
import { atKey, atValue, rewritten, shown } from '../violation.ts';
import { docker, dockerKey as key } from './docker-table.ts';

const TLS_PORT = ':2376';

export const DOCKER_HOST_RULES: readonly Rule[] = [
  {
    code: 'D09',
    name: 'docker-host-unusable',
    severity: 'error',
    effect: 'jobs',
    title: 'Docker cannot be reached at `host`',
    consequence: 'Every job fails in its preparation, after three tries.',
    fix: 'Write the socket with its scheme, unix:///var/run/docker.sock, and let the runner’s user use it.',
    needs: ['files'],
    check: docker(({ table }, context) => {
      const found = filledAt(table, 'docker', 'host');
      return found === undefined ? [] : hostViolations(found, context);
    }),
  },
  {
    code: 'D10',
    name: 'docker-tls-without-host',
    severity: 'warning',
    title: 'TLS towards Docker is set, and `host` is not',
    consequence:
      'Both keys are ignored: without `host` everything comes from DOCKER_HOST and its like.',
    fix: 'Set `host`, or remove the lines.',
    check: docker(({ table }) => {
      if (filledAt(table, 'docker', 'host') !== undefined) return [];
      const verify = flagAt(table, 'docker', 'tls_verify');
      const path = filledAt(table, 'docker', 'tls_cert_path');
      const useless = [verify?.value === true ? verify.entry : undefined, path?.entry];
      return useless.flatMap((entry) =>
        entry === undefined
          ? []
          : [
              atKey(entry, `${entry.key} does nothing without host`, {
                key: key(entry.key),
                corrected: 'host = "tcp://docker:2376"',
              }),
            ],
      );
    }),
  },
  {
    code: 'D11',
    name: 'docker-tls-incomplete',
    severity: 'error',
    effect: 'jobs',
    title: 'TLS towards Docker cannot work',
    consequence: 'Every job fails in its preparation.',
    fix: 'Set `tls_verify = true`, and a `tls_cert_path` with ca.pem, cert.pem and key.pem.',
    needs: ['files'],
    check: docker((section, context) => tlsViolations(section, context)),
  },
  {
    code: 'D12',
    name: 'docker-open-to-all',
    severity: 'warning',
    title: 'Docker is used over the network without TLS',
    consequence: 'Whoever reaches that port is root there.',
    fix: 'Use TLS on port 2376, or a socket.',
    check: docker(({ table }) => {
      const host = filledAt(table, 'docker', 'host');
      const isOver = /^(?:tcp|http):\/\//.test(host?.value ?? '');
      const isSafe = flagAt(table, 'docker', 'tls_verify')?.value === true;
      if (host === undefined || !isOver || isSafe || host.value.endsWith(TLS_PORT)) return [];
      return [atValue(host.entry, 'host is used without TLS', { key: key('host') })];
    }),
  },
];

function hostViolations(found: Found<string>, context: LintContext): readonly Violation[] {
  const say = (message: string, more: Partial<Violation> = {}): readonly Violation[] => [
    atValue(found.entry, message, { key: key('host'), ...more }),
  ];
  const fault = hostFault(found.value);
  if (fault !== undefined) {
    const isPath = found.value.startsWith('/');
    return say(
      `host ${shown('host', found.value)} ${fault}`,
      isPath ? rewritten(found.entry, `unix://${found.value}`) : {},
    );
  }
  const socket = /^unix:\/\/(?<path>\/.+)$/.exec(found.value)?.groups?.['path'];
  const fact = socket === undefined ? undefined : context.files?.stat(socket);
  const why = fact === undefined ? undefined : socketFault(fact, context);
  return why === undefined ? [] : say(why);
}

function socketFault(fact: FileFact, { process }: LintContext): string | undefined {
  if (fact.kind === 'unknown') return undefined;
  if (fact.kind === 'missing') return 'the socket of host does not exist';
  if (fact.kind !== 'socket') return 'what host names is no socket';
  const isDenied = process !== undefined && isAllowed(fact, process, 2) === false;
  return isDenied ? `the socket of host cannot be used by uid ${process.uid}` : undefined;
}

function tlsViolations({ table }: Section, context: LintContext): readonly Violation[] {
  const host = filledAt(table, 'docker', 'host');
  const verify = flagAt(table, 'docker', 'tls_verify');
  if (host === undefined || !/^(?:tcp|https):/.test(host.value)) return [];
  if (verify?.value !== true) {
    if (!host.value.endsWith(TLS_PORT)) return [];
    const more = { key: key('tls_verify'), corrected: 'tls_verify = true' };
    const message = 'port 2376 speaks TLS, and tls_verify is off';
    return [atValue(verify?.entry ?? host.entry, message, more)];
  }
  const path = filledAt(table, 'docker', 'tls_cert_path');
  const folder = path === undefined ? undefined : asRunnerSees(path.value, context);
  if (path === undefined || folder === undefined) return [];
  return ['ca.pem', 'cert.pem', 'key.pem']
    .filter((name) => context.files?.stat(`${folder}/${name}`)?.kind === 'missing')
    .map((name) =>
      atValue(path.entry, `tls_cert_path has no ${name}`, { key: key('tls_cert_path') }),
    );
}
