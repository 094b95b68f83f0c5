/** Causes in token and identity. */
import type { CauseContext, CauseSpec } from '../cause-spec.ts';
import { step } from '../../core/diagnosis.ts';
import { quoted } from '../../core/shell.ts';
import { AT_ONCE, family, onHost } from '../cause-spec.ts';

const tokenCause = family({
  severity: 'critical',
  scope: 'runner',
  resolvedWhen: 'the token link passes',
});

/** Where the new token goes. The runner sees the change by itself. */
function putToken(c: CauseContext) {
  return step(
    `Put it into the entry "${c.name}" (line ${c.fact('line')}).`,
    `sudo cp -p ${onHost(c, c.config)} ${onHost(c, `${c.config}.bak`)} && sudoedit ${onHost(c, c.config)}`,
  );
}

const CREATE =
  'Create a runner in GitLab (Admin, group or project → CI/CD → Runners → New runner) and copy its glrt- token.';

export const TOKEN_CAUSES: readonly CauseSpec[] = [
  tokenCause({
    id: 'token-missing',
    title: 'The entry has no token',
    meaning:
      'The token is empty, blank or a placeholder, so the runner never asks GitLab for this entry.',
    evidence: 'The value itself, after variables were filled in.',
    notConfusedWith: ['config-env-unset', 'token-rejected'],
    from: ['token/missing', 'token/wrong-kind'],
    says: (c) => `the entry ${c.name} holds no runner token`,
    fix: (c) => [step(CREATE), putToken(c)],
    confirm: AT_ONCE,
  }),
  tokenCause({
    id: 'token-is-registration-token',
    title: 'The entry holds a registration token',
    meaning:
      'A registration token only ever created runners. As `token` of an entry GitLab refuses it at each poll.',
    evidence: 'The prefix GR1348941.',
    notConfusedWith: ['token-rejected'],
    from: ['token/registration-token'],
    says: (c) =>
      `the entry ${c.name} holds a registration token, with which nobody can ask for jobs`,
    fix: (c) => [step(CREATE), putToken(c)],
    confirm: AT_ONCE,
  }),
  tokenCause({
    id: 'token-rejected',
    title: 'GitLab refuses this runner’s token',
    meaning: 'The runner was deleted, its token was reset, or it belongs to another instance.',
    evidence:
      'GitLab’s own 403, three times over a minute, while everything before it passes; or a token whose checksum is wrong.',
    notConfusedWith: [
      'gitlab-maintenance-mode',
      'edge-waf-blocked',
      'gitlab-booting',
      'token-expired',
    ],
    from: ['token/rejected', 'token/checksum-mismatch'],
    says: (c) => `GitLab refuses the token of ${c.name} (${c.runner})`,
    fix: (c) => [
      step(`Look for the runner ${c.runner} in GitLab: Admin, group or project → CI/CD → Runners.`),
      step('If it is there, its token was reset: take the new one.'),
      step(`If it is gone: ${CREATE}`),
      putToken(c),
    ],
    confirm: { results: 3, seconds: 45 },
    suppresses: ['runner-disabled-unhealthy'],
  }),
  tokenCause({
    id: 'token-expired',
    title: 'The runner’s token has expired',
    meaning:
      'token_expires_at has passed, and GitLab refuses the token. The runner renews it by itself when it may write config.toml.',
    evidence: 'token_expires_at in the past by GitLab’s clock, and GitLab’s own 403.',
    notConfusedWith: ['token-rejected', 'clock-skew'],
    from: ['token/expired'],
    says: (c) => `the token of ${c.name} (${c.runner}) has expired`,
    fix: (c) => [
      step(
        'Renew it with a personal access token that may manage runners.',
        c.place.commands.runner(
          `reset-token --config ${quoted(c.config)} --name ${quoted(c.name)} --pat "$PAT"`,
        ),
      ),
      step(
        'See why it was not renewed: may the runner write the file?',
        `ls -l ${onHost(c, c.config)}`,
      ),
    ],
  }),
  tokenCause({
    id: 'runner-orphaned',
    title: 'The runner’s project or group was deleted',
    meaning: 'GitLab still knows the runner, and it belongs to nobody.',
    evidence: 'GitLab’s answer says “orphaned”.',
    notConfusedWith: ['token-rejected', 'gitlab-version-skew'],
    from: ['token/orphaned'],
    says: (c) => `the project or group of ${c.name} (${c.runner}) was deleted`,
    fix: (c) => [step(`In a project or group that exists: ${CREATE}`), putToken(c)],
  }),
  tokenCause({
    id: 'token-expiring-soon',
    severity: 'notice',
    title: 'The runner’s token expires soon',
    meaning: 'The runner renews it at three quarters of its life, if it may write config.toml.',
    evidence: 'token_expires_at within the limit.',
    notConfusedWith: ['token-expired'],
    from: ['token/expiring-soon'],
    says: (c) => `the token of ${c.name} (${c.runner}) expires soon`,
    fix: (c) => [
      step(
        'May the runner write the file?',
        `ls -l ${onHost(c, c.config)}; findmnt -T ${onHost(c, c.config)}`,
      ),
    ],
    confirm: AT_ONCE,
    resolvedWhen: 'the token is good for longer',
  }),
];
