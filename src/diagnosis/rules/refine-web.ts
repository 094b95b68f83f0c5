/** How long, and how often, GitLab’s web tier has been answering that way (matrix 2.5). */
import type { CheckState } from '../../core/check.ts';
import type { Finding } from '../../core/finding.ts';
import { AT_ONCE } from '../cause-spec.ts';
import { mustHave } from '../draft.ts';
import { factsOf, hasReason } from '../picture.ts';
import type { Refinement } from './refinement.ts';

/** A GitLab that was fine a moment ago and now answers 502 is most likely being restarted. */
const RESTART_SECONDS = 60;
/** A boot page that stays longer is no boot (matrix 2.5, INC-094). */
const LONGEST_BOOT_SECONDS = 600;

export const byBootTime: Refinement = (link, _endpoint, { snapshot }) => {
  const seconds = (snapshot.takenAt - link.since) / 1000;
  if (hasReason(link, 'bad-gateway') && seconds < RESTART_SECONDS && wasFine(link)) {
    return { spec: mustHave('gitlab-booting') };
  }
  if (hasReason(link, 'booting') && seconds > LONGEST_BOOT_SECONDS) {
    return { spec: mustHave('gitlab-bad-gateway') };
  }
  return undefined;
};

function wasFine({ recent }: CheckState): boolean {
  return recent.some(({ finding }) => isGood(finding));
}

function isGood({ status }: Finding): boolean {
  return status === 'pass' || status === 'warn';
}

/** nginx says no more than that it wants another certificate; whether one was sent, the handshake knows. */
export const byClientCertificate: Refinement = (link, endpoint, picture) => {
  const tls = picture.linksOf(endpoint).find(({ check }) => check.probe.id === 'tls');
  if (tls === undefined || !hasReason(link, 'client-certificate-required')) return undefined;
  const { client_state: state = 'none', client_file: file = '' } = factsOf(tls);
  if (link.check.probe.id === 'tls' || state === 'none') return undefined;
  return { spec: mustHave('tls-client-cert-invalid'), facts: { client_file: file } };
};

const LOOKS = 10;
/** A fifth of good and a fifth of bad answers, and more than one turn: it is not simply broken, nor repaired. */
const LEAST_OF_EACH = 2;
const LEAST_TURNS = 3;

/** One of several backends fails: the same request is answered well and badly in turn. */
export const byAlternation: Refinement = (link) => {
  if (!isAlternating(link)) return undefined;
  // Ten answers are the evidence; the last one alone would start anew at each turn.
  const spec = { ...mustHave('gitlab-partial-outage'), confirm: AT_ONCE };
  return { spec, severity: 'warning', facts: { attempts: answersByAddress(link) } };
};

/** `10.0.0.2: 5 of 5 fail, 10.0.0.3: 0 of 5 fail`: a dead backend is named where it has an address of its own. */
function answersByAddress({ recent }: CheckState): string {
  const groups = Map.groupBy(recent.slice(-LOOKS), ({ finding }) =>
    String(finding.facts?.['address'] ?? 'the address'),
  );
  return [...groups]
    .map(([address, looks]) => {
      const bad = looks.filter(({ finding }) => !isGood(finding)).length;
      return `${address}: ${bad} of ${looks.length} requests fail`;
    })
    .join(', ');
}

/** Also while the last answer happened to be a good one. */
export function isAlternating(link: CheckState): boolean {
  const { check, recent } = link;
  const isAnswer = check.probe.id === 'http' || check.probe.id === 'api';
  if (!isAnswer && !showsTwoCertificates(link)) return false;
  const good = recent.slice(-LOOKS).map(({ finding }) => isGood(finding));
  const goodCount = good.filter((one) => one).length;
  const turns = good.filter((one, index) => index > 0 && one !== good[index - 1]).length;
  const isMixed = goodCount >= LEAST_OF_EACH && good.length - goodCount >= LEAST_OF_EACH;
  return good.length === LOOKS && isMixed && turns >= LEAST_TURNS;
}

/** What one server shows now and then is not what the other one shows: a filter would cut both. */
function showsTwoCertificates({ check, recent }: CheckState): boolean {
  const shown = recent
    .slice(-LOOKS)
    .flatMap(({ finding }) => finding.facts?.['fingerprint_sha256'] ?? []);
  return check.probe.id === 'tls' && new Set(shown).size > 1;
}

/** The health page stands behind something that the API does not stand behind: the runner is not concerned. */
export const byOpenApi: Refinement = (link, { id }, picture) => {
  const isAside = link.check.probe.id === 'http' && link.finding.status === 'warn';
  if (!isAside || !hasReason(link, 'login-gateway', 'redirected')) return undefined;
  const api = picture.statesOf('api').find(({ check }) => check.target.id === id);
  if (api?.finding.status !== 'pass') return undefined;
  const cause = hasReason(link, 'login-gateway') ? 'edge-auth-gateway' : 'url-redirect-breaks-post';
  return { spec: mustHave(cause), severity: 'info' };
};
