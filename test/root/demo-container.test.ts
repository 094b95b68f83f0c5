/** The demo with a runner in a container of a real Docker, on a host of its own. */
import { expect, test } from 'vitest';

import { removeGroup } from '../../lab/container/group.ts';
import { CONTAINER_FAULTS } from '../../src/demo/faults.ts';
import { ALONE, runBody } from '../support/run-body.ts';
import { tourOnOwnHost } from './demo-container-bodies.ts';

/** Those for which it matters where the runner lives. */
const SHOWN = ['unknown-authority', 'name-lost', 'config-typo', 'runner-stopped', 'container-gone'];

test('without an engine it says so; with one each fault is named with commands for its container, and nothing is left', async () => {
  const group = `runnerwatch-demo-test-${process.pid}`;
  const bodies = new URL('demo-container-bodies.ts', import.meta.url).href;
  const faults = CONTAINER_FAULTS.filter(({ id }) => SHOWN.includes(id)).map(({ id, cause }) => ({
    id,
    cause,
  }));
  await using stack = new AsyncDisposableStack();
  stack.defer(async () => await removeGroup(group));
  const { refusal, reports, during, left, exitCode } = await runBody(
    bodies,
    tourOnOwnHost,
    ['docker', group, faults],
    { prefix: ALONE },
  );
  const [container = ''] = during;
  const config = String.raw`/tmp/runnerwatch-demo-\w+/etc/gitlab-runner`;

  expect(refusal).toEqual({
    exitCode: 1,
    said: expect.stringMatching(
      /^runnerwatch: cannot run the demo: with --container it needs Docker or podman, [^\n]+\n$/,
    ),
  });
  expect(during).toEqual([
    expect.stringMatching(/^gitlab-runner-demo-[0-9a-f]{6}$/),
    container,
    expect.stringMatching(/^runnerwatch-demo-\w+$/),
  ]);
  expect(Object.keys(reports)).toEqual(SHOWN);
  expect(reports['unknown-authority']).toContain(`sudo docker restart ${container}`);
  expect(reports['unknown-authority']).toMatch(new RegExp(`tee -a ${config}/demo-ca\\.pem`));
  expect(reports['name-lost']).toContain('127.0.0.9');
  expect(reports['config-typo']).toMatch(new RegExp(`sudoedit ${config}/config\\.toml`));
  expect(reports['runner-stopped']).toContain(`sudo docker restart ${container}`);
  expect(reports['container-gone']).toContain(`sudo docker start ${container}`);
  // The runner and the image of somebody else.
  expect({ left, exitCode }).toEqual({ left: ['gitlab-runner', 'theirs'], exitCode: 0 });
});
