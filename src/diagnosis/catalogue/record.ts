/** Causes that only GitLab's own record shows, to somebody with an API token. */
import type { CauseSpec } from '../cause-spec.ts';
import { step } from '../../core/diagnosis.ts';
import { AT_ONCE, family, onHost } from '../cause-spec.ts';

const recordCause = family({
  severity: 'info',
  scope: 'runner',
  resolvedWhen: 'the record check passes',
});

export const RECORD_CAUSES: readonly CauseSpec[] = [
  recordCause({
    id: 'system-id-clash',
    severity: 'warning',
    title: 'Two hosts use the same token and the same system id',
    meaning:
      'GitLab takes both for one machine: the one that asked last gets the jobs, the other looks invisible. It comes from a cloned machine or an image with a .runner_system_id in it.',
    evidence:
      'The one manager with this host’s system id changes its address to and fro; or .runner_system_id is older than /etc/machine-id and was not made from it.',
    notConfusedWith: ['config-shared-by-processes'],
    from: ['record/system-id-clash'],
    says: (c) => {
      const addresses = c.optional('addresses');
      return addresses === undefined
        ? 'the system id of this host came with an image, and every machine made from it has the same'
        : `${c.name} (${c.runner}) shares its token and system id with another host (${addresses})`;
    },
    fix: (c) => [
      step(
        'On one of the two hosts: stop the runner, and give it a system id of its own.',
        `${c.place.commands.stop}; printf 's_%s' "$(openssl rand -hex 6)" | sudo tee ${onHost(c, c.place.files.systemId)}`,
      ),
      step('Take the file, and /etc/machine-id, out of the image that both were made from.'),
      step('Start the runner there again.', c.place.commands.start),
    ],
    suppresses: ['jobs-capacity-saturated'],
  }),
  recordCause({
    id: 'runner-paused',
    title: 'The runner is paused in GitLab',
    meaning:
      'Its token is good and its polls are answered; GitLab gives it no job until it is resumed.',
    evidence: 'GitLab’s record says “paused”.',
    notConfusedWith: ['token-rejected'],
    from: ['record/paused'],
    says: (c) => `${c.name} (${c.runner}) is paused in GitLab`,
    fix: () => [step('In GitLab, under CI/CD > Runners: resume it.')],
    confirm: AT_ONCE,
    suppresses: ['jobs-no-matching-runner'],
  }),
  recordCause({
    id: 'jobs-no-matching-runner',
    title: 'Jobs wait for tags that this runner does not have',
    meaning:
      'The runner is fine; the waiting jobs ask for other tags, or for one that takes jobs without tags.',
    evidence: 'A waiting job of the runner’s projects with a tag that the runner lacks.',
    notConfusedWith: ['jobs-capacity-saturated'],
    from: ['record/no-matching-runner'],
    says: (c) => `jobs wait that ${c.name} (${c.runner}) does not take: ${c.fact('jobs')}`,
    fix: () => [step('Give the runner the tags in GitLab, or change `tags` in .gitlab-ci.yml.')],
    confirm: AT_ONCE,
  }),
];
