/** Causes that only GitLab's own record shows, which needs an API token. */
import type { CauseSpec } from '../cause-spec.ts';
import { step } from '../../core/diagnosis.ts';
import { AT_ONCE, family, onHost } from '../cause-spec.ts';
import { RUNNER_PAGES } from './runner-pages.ts';

const recordCause = family({
  severity: 'info',
  scope: 'runner',
  resolvedWhen: 'the record check passes again',
});

export const RECORD_CAUSES: readonly CauseSpec[] = [
  recordCause({
    id: 'system-id-clash',
    severity: 'warning',
    title: 'Two hosts use the same token and the same system id',
    meaning:
      'GitLab treats both as one runner manager: the one that polled last gets the jobs, the other seems to be missing. This happens after cloning a machine or an image that contains .runner_system_id.',
    evidence:
      "GitLab's manager with this host's system id switches between two addresses; or .runner_system_id is older than /etc/machine-id and was not derived from it.",
    notConfusedWith: ['config-shared-by-processes'],
    from: ['record/system-id-clash'],
    says: (c) => {
      const addresses = c.optional('addresses');
      return addresses === undefined
        ? 'the system id of this host is from an image, and every machine made from the image has the same one'
        : `${c.name} (${c.runner}) shares its token and system id with another host (${addresses})`;
    },
    fix: (c) => [
      step('On one of the two hosts: stop the runner.', c.place.commands.stop),
      step(
        'Give it a new system id there.',
        `printf 's_%s' "$(openssl rand -hex 6)" | sudo tee ${onHost(c, c.place.files.systemId)}`,
      ),
      step('Remove the file and /etc/machine-id from the image that both machines were made from.'),
      step('Start the runner again on that host.', c.place.commands.start),
    ],
    suppresses: ['jobs-capacity-saturated'],
  }),
  recordCause({
    id: 'runner-paused',
    title: 'The runner is paused in GitLab',
    meaning:
      'Its token is valid and its polls succeed, but GitLab gives it no jobs until it is resumed.',
    evidence: "The runner record in GitLab says 'paused'.",
    notConfusedWith: ['token-rejected'],
    from: ['record/paused'],
    says: (c) => `${c.name} (${c.runner}) is paused in GitLab`,
    fix: () => [step(`In GitLab, resume the runner: ${RUNNER_PAGES}.`)],
    confirm: AT_ONCE,
    suppresses: ['jobs-no-matching-runner'],
  }),
  recordCause({
    id: 'jobs-no-matching-runner',
    title: 'Jobs wait for tags that this runner does not have',
    meaning:
      'The runner works; the waiting jobs require other tags, or a runner that takes untagged jobs.',
    evidence: "A waiting job in the runner's projects with a tag that the runner does not have.",
    notConfusedWith: ['jobs-capacity-saturated'],
    from: ['record/no-matching-runner'],
    says: (c) => `jobs are waiting that ${c.name} (${c.runner}) cannot take: ${c.fact('jobs')}`,
    fix: () => [
      step(
        `Add the tags to the runner in GitLab (${RUNNER_PAGES}), or change \`tags\` in .gitlab-ci.yml.`,
      ),
    ],
    confirm: AT_ONCE,
  }),
];
