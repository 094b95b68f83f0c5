/** The causes of the runner's container: what they say, and which engine their commands ask. */
import { describe, expect, test } from 'vitest';

import type { ContainerState } from '../../src/core/container-state.ts';
import type { Place } from '../../src/core/place.ts';
import { PLACEHOLDERS } from '../../src/diagnosis/cause-spec.ts';
import { CONTAINER_CAUSES } from '../../src/diagnosis/catalogue/container.ts';
import { containerCommands } from '../../src/host/place/container-commands.ts';
import { PACKAGED_PLACE } from '../../src/host/place/packaged.ts';

const PLACE: Place = {
  ...PACKAGED_PLACE,
  commands: containerCommands({ engine: 'podman', name: 'runner-a', program: 'gitlab-runner' }),
  container: {
    name: 'runner-a',
    isMade: false,
    socket: '/var/run/docker.sock',
    client: (words) => `sudo podman ${words}`,
    state: async (): Promise<ContainerState> => await Promise.resolve({ kind: 'removed' }),
  },
};

describe.each(CONTAINER_CAUSES.map((spec) => [spec.id, spec] as const))('%s', (_id, spec) => {
  test('asks the engine of the container', () => {
    const steps = spec.fix({ ...PLACEHOLDERS, place: PLACE });
    const commands = steps.flatMap(({ command }) => command ?? []);

    expect(commands.filter((one) => one.startsWith('sudo docker '))).toEqual([]);
    expect(commands).toContainEqual(expect.stringMatching(/^sudo podman /));
  });

  test('has a client in the docs as well', () => {
    const commands = spec.fix(PLACEHOLDERS).flatMap(({ command }) => command ?? []);

    expect(commands).toContainEqual(expect.stringMatching(/^sudo docker /));
  });

  test('has no hole where the engine tells no more than it must', () => {
    const sparse = { ...PLACEHOLDERS, place: PLACE, optional: () => undefined };
    const said = [spec.says(sparse), ...spec.fix(sparse).map(({ text }) => text)].join(' ');

    expect(said).not.toContain('undefined');
  });
});

test('without a limit of its own a container is not given a larger one', () => {
  const spec = CONTAINER_CAUSES.find(({ id }) => id === 'container-out-of-memory');
  const steps = spec?.fix({ ...PLACEHOLDERS, place: PLACE, optional: () => undefined }) ?? [];

  expect(steps.map(({ command }) => command)).not.toContainEqual(
    expect.stringContaining('--memory '),
  );
});
