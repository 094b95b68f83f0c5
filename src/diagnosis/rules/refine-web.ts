/** How long GitLab's web tier has been answering that way, and how it answered before (matrix 2.5). */
import type { CheckState } from '../../core/check.ts';
import { mustHave } from '../draft.ts';
import { hasReason } from '../picture.ts';
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
  return recent.some(({ finding }) => finding.status === 'pass' || finding.status === 'warn');
}
