/** A config.toml that is mounted by itself: its folder takes its place only where the folder is the runner's own. */
import { expect, test } from 'vitest';

import { step } from '../../src/core/diagnosis.ts';
import type { CauseContext } from '../../src/diagnosis/cause-spec.ts';
import { requireCause } from '../../src/diagnosis/build-cause.ts';
import { formsOf } from '../../src/host/place/container-setting-forms.ts';
import { PACKAGED_PLACE } from '../../src/host/place/packaged.ts';
import { contextAt } from '../support/fix-context.ts';

const MOUNT = {
  kind: 'mount',
  source: '/srv/runner',
  target: '/etc/gitlab-runner',
  replaces: '/etc/gitlab-runner/config.toml',
} as const;

/** The last step, in a place that shows which settings it is given. */
function lastStep(file: string) {
  const commands: CauseContext['place']['commands'] = {
    ...PACKAGED_PLACE.commands,
    remake: (text, settings) => [step(text, JSON.stringify(settings))],
  };
  const context = contextAt({ ...PACKAGED_PLACE, commands });
  const fact: CauseContext['fact'] = (name) =>
    name === 'mounted_file' ? file : context.fact(name);
  return requireCause('config-replaced-on-host')
    .fix({ ...context, fact, optional: fact })
    .at(-1);
}

test('the folder is mounted in place of the file', () => {
  expect(lastStep('/srv/runner/config.toml')?.command).toBe(JSON.stringify([MOUNT]));
});

test.each([
  ['of another name than in the container', '/srv/runner/runner-a.toml'],
  ['at the top of the host', '/config.toml'],
  ['in the home of a person', '/home/me/config.toml'],
  ['in a folder of every program', '/var/lib/config.toml'],
])('a file %s takes a folder of its own first', (_what, file) => {
  expect(lastStep(file)).toEqual(step(expect.stringContaining('a folder of its own')));
});

test('a .container file names a volume without quotes, which systemd does not take off there', () => {
  expect(formsOf(MOUNT).quadlet).toEqual(['[Container]', 'Volume=/srv/runner:/etc/gitlab-runner']);
});
