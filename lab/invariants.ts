/** What must hold in every row (docs/reference/promises.md), as far as report, requests and output can show it. */
import type { Report, ReportedCause } from '../src/report/document.ts';
import type { RecordedRequest } from '../src/demo/gitlab-stand-in.ts';
import { chainOf } from './scenario.ts';
import { CANARY, SYSTEM_ID } from './runner-config.ts';

/** All requests that runnerwatch may ever send to GitLab. */
const PERMITTED = new Set([
  'GET /-/health',
  'GET /api/v4/version',
  'GET /api/v4/runners/router/discovery',
  'POST /api/v4/runners/verify',
  'HEAD /',
  'GET /',
  'GET /users/sign_in',
  'GET /oauth/discovery/keys',
]);
/** Requests that it may send only with an API token. */
const ON_RECORD = /^GET \/api\/v4\/(?:runners\/\d+(?:\/managers)?|projects\/\d+\/jobs)$/;
const SEVERE = new Set(['critical', 'warning']);
/** Commands that no fix may contain. */
const HARMFUL =
  /--registration-token|verify --delete|--insecure|tls_verify|GIT_SSL_NO_VERIFY|disable TLS/i;
const DRASTIC = /unregister|re-?register|delete/i;
const DELETION_IS_RIGHT = new Set(['token-rejected', 'runner-orphaned']);
/** What the daemon may have in memory. */
export const MAX_RESIDENT_BYTES = 150 * 1024 * 1024;

export function requestViolations(requests: readonly RecordedRequest[]): readonly string[] {
  const own = requests.filter(({ userAgent }) => userAgent.startsWith('runnerwatch'));
  return own.flatMap(({ method, path, systemId, hasToken }) => {
    const asked = `${method} ${path}`;
    // Below a wrong base path the same requests are sent.
    const isPermitted =
      ON_RECORD.test(asked) ||
      [...PERMITTED].some((one) => asked === one || isBelowBase(asked, one));
    return [
      ...(isPermitted ? [] : [`it sent ${asked}`]),
      ...(hasToken && path.endsWith('/verify') && systemId !== SYSTEM_ID
        ? [`verify with the system id ${systemId}`]
        : []),
    ];
  });
}

function isBelowBase(asked: string, permitted: string): boolean {
  const [method = '', path = ''] = permitted.split(' ');
  return path.length > 1 && asked.startsWith(`${method} /`) && asked.endsWith(path);
}

/** `also`: causes of another fault that the row makes at the same time. */
export function reportViolations(report: Report, also: readonly string[] = []): readonly string[] {
  return [
    ...report.causes.flatMap((cause) => causeViolations(cause)),
    ...verdictViolations(report),
    ...report.runners.flatMap((runner) => {
      const severe = report.causes.filter(
        ({ id, severity, scope }) =>
          SEVERE.has(severity) && !also.includes(id) && scope.runners.includes(runner.runner),
      );
      const ids = severe.map(({ id }) => id).join(', ');
      return [
        ...(severe.length > 1 ? [`one entry, several causes: ${runner.name} has ${ids}`] : []),
        ...(failsTwice(chainOf(runner)) ? [`two links fail: ${chainOf(runner)}`] : []),
      ];
    }),
  ];
}

/** What works decides: every entry stopped is broken, and an entry that is not proven to work is not healthy. */
function verdictViolations({ verdict, causes, runners }: Report): readonly string[] {
  const stopped = runners.filter((one) => one.connected === false || one.canRunJobs === false);
  const isCritical = causes.some(({ severity }) => severity === 'critical');
  const isAll = stopped.length > 0 && stopped.length === runners.length;
  const isProven = runners.every((one) => one.connected === true && one.canRunJobs === true);
  return [
    ...(isAll && verdict !== 'broken' ? [`no entry works, and the verdict is ${verdict}`] : []),
    ...(!isAll && !isCritical && verdict === 'broken' ? ['an entry works, and it is broken'] : []),
    ...(!isProven && verdict === 'healthy' ? ['healthy without proof that each entry works'] : []),
  ];
}

/** A proxy that cannot be reached fails as a proxy, too: name and port are its own. */
function failsTwice(chain: string): boolean {
  return /F.*F/.test(chain.replace(/^(?:F\/s|o\/F)\/F/, 'o/o/F'));
}

function causeViolations(cause: ReportedCause): readonly string[] {
  const { id, fix, evidence, resolvedWhen, severity } = cause;
  const steps = fix.map(({ text, command = '' }) => `${text} ${command}`);
  const isHarmful = steps.some((text) => HARMFUL.test(text));
  const isDrastic = DRASTIC.test(steps[0] ?? '') && !DELETION_IS_RIGHT.has(id);
  const isBare = evidence.length === 0 || fix.length === 0 || resolvedWhen === '';
  const isVague = evidence.some(({ text, at }) => text === '' || at === '');
  return [
    ...(isHarmful || isDrastic ? [`a fix does harm: ${id} tells: ${steps.join(' | ')}`] : []),
    ...(severity !== 'info' && (isBare || isVague) ? [`${id} lacks evidence, fix or end`] : []),
    ...(/undefined|NaN|\[object|\(missing fact/.test(JSON.stringify(cause))
      ? [`${id} has a hole in a text`]
      : []),
  ];
}

/** Secrets in `texts`, which are given by where they were found. */
export function secretViolations(texts: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(texts).flatMap(([where, text]) =>
    text.includes(CANARY) ? [`${where} holds a secret`] : [],
  );
}

export function sizeViolations(residentBytes: number): readonly string[] {
  const mebibytes = Math.round(residentBytes / 1024 / 1024);
  return residentBytes > MAX_RESIDENT_BYTES ? [`${mebibytes} MiB resident`] : [];
}
