/** Which checks of a walk are asked whether their fault is over, and how often. */
import { describe, expect, test } from 'vitest';

import { failingFinding } from '../support/probes.ts';
import { stageWalk } from '../support/staged-walk.ts';

describe('a sign that a fault is over', () => {
  test('has the check asked at once, from the reserve, for a proof', async () => {
    const { walk, says, mayPass, proofs, clock } = stageWalk({ requestsPerHour: 2 });
    says['token'] = failingFinding();
    await walk();
    clock.advance(15);
    expect(await walk()).toEqual(['dns', 'connect']);
    mayPass.add('token@r0');

    expect(await walk()).toEqual(['dns', 'connect', 'http', 'token']);
    expect(proofs).toEqual(['token']);
  });

  test('that comes again and again has a check asked every five minutes, four times an hour', async () => {
    const { walk, says, mayPass, clock } = stageWalk({ requestsPerHour: 2 });
    says['token'] = failingFinding();
    await walk();
    mayPass.add('token@r0');
    const asked: number[] = [];
    for (let second = 15; second < 3600; second += 15) {
      clock.advance(15);
      if ((await walk()).includes('token')) asked.push(second);
    }

    expect(asked).toEqual([15, 315, 615, 915]);
  });

  test('leaves what the runner contradicts its share of the reserve', async () => {
    const { walk, contradicted, mayPass, says, clock } = stageWalk({
      requestsPerHour: 8,
      runners: 7,
    });
    says['token'] = failingFinding();
    await walk();
    for (let index = 0; index < 7; index += 1) mayPass.add(`token@r${index}`);
    clock.advance(15);

    expect((await walk()).filter((link) => link === 'token')).toHaveLength(4);
    mayPass.clear();
    for (let index = 0; index < 7; index += 1) contradicted.add(`token@r${index}`);
    expect((await walk()).filter((link) => link === 'token')).toHaveLength(2);
  });

  test('of the server is proven by one token for all that passed before', async () => {
    const { walk, mayPass } = stageWalk({ requestsPerHour: 4, runners: 3 });
    await walk();
    for (let index = 0; index < 3; index += 1) mayPass.add(`token@r${index}`);

    expect((await walk()).filter((link) => link === 'token')).toHaveLength(1);
  });

  test('is a link that passes again, for those behind it that failed', async () => {
    const { walk, says, proofs, clock } = stageWalk({ requestsPerHour: 5 });
    says['token'] = failingFinding();
    await walk();
    says['http'] = failingFinding();
    clock.advance(61);
    await walk();
    delete says['http'];
    clock.advance(15);

    expect(await walk()).toEqual(['dns', 'connect', 'http', 'token']);
    expect(proofs).toEqual(['token']);
  });

  test('has nothing asked that ends by itself and has a pace of its own', async () => {
    const { walk, says, mayPass, clock } = stageWalk({ requestsPerHour: 2 });
    says['token'] = { status: 'fail', reason: 'r', detail: 'd', recheckSeconds: 60 };
    await walk();
    mayPass.add('token@r0');
    clock.advance(15);

    expect(await walk()).toEqual(['dns', 'connect']);
  });
});
