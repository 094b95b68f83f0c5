/** Every fault of the demo on the real stage: the daemon names it, explains the rest, and clears by itself. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { DEMO_FAULTS, FaultSwitch } from '../../src/demo/faults.ts';
import type { DemoHost } from '../../src/demo/demo-host.ts';
import { buildDemoHost } from '../../src/demo/demo-host.ts';
import type { DemoHostDaemon } from '../support/demo-host-daemon.ts';
import { startDemoHostDaemon } from '../support/demo-host-daemon.ts';

let stage: DemoHost;
let watch: DemoHostDaemon;

beforeAll(async () => {
  stage = await buildDemoHost();
  watch = await startDemoHostDaemon(stage);
  await watch.until(
    ({ diagnosis, self }) => self.ready && diagnosis.verdict === 'healthy',
    'healthy',
  );
});
afterAll(async () => {
  await watch[Symbol.asyncDispose]();
  await stage[Symbol.asyncDispose]();
});

describe('each fault is named, and gone when it is gone', () => {
  test.each(DEMO_FAULTS.map((fault) => [fault.title, fault.cause, fault] as const))(
    '%s: %s',
    async (_title, cause, fault) => {
      await fault.on(stage);
      const { diagnosis } = await watch.until(
        (view) =>
          view.diagnosis.causes.length > 0 &&
          view.diagnosis.causes.every(
            ({ id, confidence }) =>
              id === cause && (confidence === 'confirmed' || cause === 'token-rejected'),
          ),
        cause,
      );

      expect(diagnosis.causes).toHaveLength(1);
      const [named] = diagnosis.causes;
      expect(named?.evidence.length).toBeGreaterThan(0);
      expect(named?.fix.length).toBeGreaterThan(0);
      expect(JSON.stringify(named)).not.toMatch(/undefined|unknown"/);

      await fault.off(stage);
      await watch.until(
        (view) => view.diagnosis.verdict === 'healthy',
        `healthy after ${fault.id}`,
      );
    },
  );
});

test('the switch breaks one thing at a time and heals it before the next', async () => {
  const faults = new FaultSwitch(stage);
  await faults.next();
  expect(faults.current()).toBe(DEMO_FAULTS[0]);
  await faults.next();
  expect(faults.current()).toBeUndefined();
  await faults.set(DEMO_FAULTS.find(({ id }) => id === 'bad-gateway'));
  expect(stage.gitlab.fault).toBe('bad-gateway');
  await faults.set(undefined);
  expect(stage.gitlab.fault).toBe('none');
});

test('no request of runnerwatch takes a job, registers or deletes', () => {
  const own = stage.gitlab.requests.filter(({ userAgent }) => userAgent.startsWith('runnerwatch/'));
  const paths = new Set(own.map(({ method, path }) => `${method} ${path}`));

  expect([...paths].toSorted()).toEqual([
    'GET /',
    'GET /-/health',
    'GET /api/v4/runners/router/discovery',
    'GET /api/v4/version',
    'GET /gitlab/-/health',
    // Only while the health page is refused.
    'GET /users/sign_in',
  ]);
});

test('the log has one line for each transition of a cause and none for a run', () => {
  const info = watch.log.filter((line) => !line.includes('level=debug'));

  expect(
    info.filter((line) => line.includes('msg="cause appeared"')).length,
  ).toBeGreaterThanOrEqual(DEMO_FAULTS.length);
  expect(
    info.every((line) =>
      /cause appeared|cause confirmed|cause resolved|verdict changed|host context changed/.test(
        line,
      ),
    ),
  ).toBe(true);
});
