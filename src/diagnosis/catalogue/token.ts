/** Causes in token and identity. */
import type { CauseContext, CauseSpec } from '../cause-spec.ts';
import { step } from '../../core/diagnosis.ts';
import { AT_ONCE, family, onHost, statusOf } from '../cause-spec.ts';
import { resetToken } from './commands.ts';
import { CREATE_RUNNER, RUNNER_PAGES } from './runner-pages.ts';

const tokenCause = family({
  severity: 'critical',
  scope: 'runner',
  resolvedWhen: 'the token check passes again',
});

/** Where to put the new token. The runner loads the change by itself. */
function putToken(c: CauseContext) {
  return step(
    `Put it into the entry "${c.name}" (line ${c.fact('line')}).`,
    `sudo cp -p ${onHost(c, c.config)} ${onHost(c, `${c.config}.bak`)} && sudoedit ${onHost(c, c.config)}`,
  );
}

export const TOKEN_CAUSES: readonly CauseSpec[] = [
  tokenCause({
    id: 'token-missing',
    title: 'A runner entry has no token',
    meaning:
      'The token is empty, blank or a placeholder, so the runner requests no jobs for this entry.',
    evidence: 'The value after variable expansion.',
    notConfusedWith: ['config-env-unset', 'token-rejected'],
    from: ['token/missing', 'token/wrong-kind'],
    says: (c) => `the entry ${c.name} has no runner token`,
    fix: (c) => [step(CREATE_RUNNER), putToken(c)],
    confirm: AT_ONCE,
  }),
  tokenCause({
    id: 'token-is-registration-token',
    title: 'A runner entry has a registration token',
    meaning:
      'A registration token can only create runners. GitLab rejects it as `token` of an entry at each poll.',
    evidence: 'The prefix GR1348941.',
    notConfusedWith: ['token-rejected'],
    from: ['token/registration-token'],
    says: (c) =>
      `the entry ${c.name} has a registration token, with which a runner cannot get jobs`,
    fix: (c) => [step(CREATE_RUNNER), putToken(c)],
    confirm: AT_ONCE,
  }),
  tokenCause({
    id: 'token-rejected',
    title: "GitLab rejects this runner's token",
    meaning:
      'The runner was deleted, its token was reset, or the token belongs to another GitLab instance.',
    evidence:
      "GitLab's own 403, three times within a minute, while all earlier checks pass; the same by the log of a runner that has disabled the entry; or a token with a wrong checksum.",
    notConfusedWith: [
      'gitlab-maintenance-mode',
      'edge-waf-blocked',
      'gitlab-booting',
      'token-expired',
    ],
    from: ['token/rejected', 'token/checksum-mismatch'],
    says: (c) => `GitLab rejects the token of ${c.name} (${c.runner})${statusOf(c)}`,
    fix: (c) => [
      step(`Search for the runner ${c.runner} in GitLab: ${RUNNER_PAGES}.`),
      resetToken(
        c,
        'If it is there, its token was reset, and GitLab shows no token again: reset it once more. This writes the new one into config.toml; other hosts with the same entry lose it.',
      ),
      step(`If it is not there: ${CREATE_RUNNER}`),
      putToken(c),
    ],
    confirm: { results: 3, seconds: 45 },
    suppresses: ['runner-disabled-unhealthy'],
  }),
  tokenCause({
    id: 'token-expired',
    title: "The runner's token has expired",
    meaning:
      'token_expires_at is in the past, and GitLab rejects the token. The runner renews the token by itself if it may write config.toml.',
    evidence: "token_expires_at in the past by GitLab's clock, and GitLab's own 403.",
    notConfusedWith: ['token-rejected', 'clock-skew'],
    from: ['token/expired'],
    says: (c) => `the token of ${c.name} (${c.runner}) has expired`,
    fix: (c) => [
      resetToken(c, 'Renew it: this writes the new token into config.toml.'),
      step(
        'Check that the runner may write the file, which it needs to renew the token.',
        `sudo ls -l ${onHost(c, c.config)}`,
      ),
    ],
  }),
  tokenCause({
    id: 'runner-orphaned',
    title: "The runner's project or group was deleted",
    meaning: 'GitLab still has the runner, but no project or group uses it.',
    evidence: "GitLab's response says 'orphaned'.",
    notConfusedWith: ['token-rejected', 'gitlab-version-skew'],
    from: ['token/orphaned'],
    says: (c) => `the project or group of ${c.name} (${c.runner}) was deleted`,
    fix: (c) => [step(`In a project or group that exists: ${CREATE_RUNNER}`), putToken(c)],
  }),
  tokenCause({
    id: 'token-expiring-soon',
    severity: 'notice',
    title: "The runner's token expires soon",
    meaning:
      'The runner renews the token after three quarters of its lifetime, if it may write config.toml.',
    evidence: 'token_expires_at within the limit.',
    notConfusedWith: ['token-expired'],
    changedBy: ['config-token'],
    from: ['token/expiring-soon'],
    says: (c) => `the token of ${c.name} (${c.runner}) expires soon`,
    fix: (c) => [
      step(
        'Check that the runner may write the file.',
        `sudo ls -l ${onHost(c, c.config)}; sudo findmnt -T ${onHost(c, c.config)}`,
      ),
    ],
    confirm: AT_ONCE,
    resolvedWhen: 'the token is valid for longer',
  }),
];
