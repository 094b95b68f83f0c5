import { availableParallelism, release, totalmem } from 'node:os';

import { expect, test } from 'vitest';

import { hostFacts } from '../../src/host/system.ts';

test('the facts of this host are those of the system', async () => {
  expect(await hostFacts()).toEqual({
    kernel: release(),
    system: expect.stringMatching(/./),
    architecture: process.arch,
    processor: expect.any(String),
    cores: availableParallelism(),
    memory_bytes: totalmem(),
    swap_bytes: expect.any(Number),
  });
});
