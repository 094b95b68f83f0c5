import { expect, test } from 'vitest';

import { PerFaultCache } from '../../src/core/per-fault-cache.ts';

function counted() {
  const looks = new PerFaultCache<object, number>(60);
  let count = 0;
  const look = async (): Promise<number> => (count += 1);
  return {
    found: async (target: object, fault: string, at: number) =>
      await looks.found(target, fault, at, look),
  };
}

test('what was found holds for its time, for the same fault of the same target', async () => {
  const { found } = counted();
  const target = {};

  expect(await found(target, 'timeout', 100)).toBe(1);
  expect(await found(target, 'timeout', 159.9)).toBe(1);
  expect(await found(target, 'refused', 159.9)).toBe(2);
  expect(await found(target, 'refused', 220)).toBe(3);
  expect(await found({}, 'refused', 220)).toBe(4);
});

test('a look that fails is kept by nobody', async () => {
  const looks = new PerFaultCache<object, number>(60);
  const target = {};
  const failing = looks.found(target, 'timeout', 0, () => Promise.reject(new Error('cut short')));

  await expect(failing).rejects.toThrow('cut short');
  expect(await looks.found(target, 'timeout', 1, async () => 7)).toBe(7);
});
