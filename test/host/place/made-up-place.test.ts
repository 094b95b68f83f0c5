/**
 * The claim of decision 9: a third kind of place needs nothing but the interface. This one is like a container, with a
 * root and a /proc of its own and with commands of an engine, and it is made here.
 */
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import type { Paths } from '../../../src/core/paths.ts';
import type { Place } from '../../../src/core/place.ts';
import type { Target } from '../../../src/core/target.ts';
import { ALL_PROBES } from '../../../src/cli/all-probes.ts';
import { checksOf, jobsOf } from '../../../src/checks/plan.ts';
import { catalogue } from '../../../src/diagnosis/catalogue/index.ts';
import { diagnose } from '../../../src/diagnosis/diagnose.ts';
import { PACKAGED_PLACE } from '../../../src/host/place/packaged.ts';
import { EventTrigger } from '../../../src/runner/event-trigger.ts';
import { setClock } from '../../support/clock.ts';
import { rootFolder } from '../../support/dns-server.ts';
import { contextIn } from '../../support/places.ts';
import { requestBudget } from '../../support/request-budget.ts';
import { inColours } from '../../support/runner-lines.ts';
import { runnerProcess } from '../../support/runner-process.ts';
import { TALKING } from '../../support/events.ts';
import { allBackendsOf, fail, PROXY, runner, snapshotOf } from '../../support/snapshots.ts';
import { FIRST, inPlace, together } from '../../support/two-installations.ts';
import { patient, until } from '../../support/until.ts';

const NAME = 'container runner-a';
const OF_ONE: ReadonlySet<string> = new Set(
  ALL_PROBES.filter(({ id, kind }) => !['host', 'mount'].includes(kind) && id !== 'record').map(
    ({ id }) => id,
  ),
);
const { unit: _unit, ...WITHOUT_UNIT } = PACKAGED_PLACE;

/** A place in a container: only its maker knows what that is. */
function containerAt(paths: Paths): Place {
  const restart = 'sudo docker restart runner-a';
  return {
    ...WITHOUT_UNIT,
    id: NAME,
    description: 'container runner-a',
    paths,
    log: { kind: 'file', path: '/var/log/runner.log' },
    commands: {
      ...PACKAGED_PLACE.commands,
      start: 'sudo docker start runner-a',
      stop: 'sudo docker stop runner-a',
      restart,
      processId: '"$(sudo docker inspect -f {{.State.Pid}} runner-a)"',
      reload: 'sudo docker kill --signal=HUP runner-a',
      runner: (words) => `sudo docker exec runner-a gitlab-runner ${words}`,
      showLog: (text) => ({ text, command: 'sudo docker logs runner-a' }),
      setEnvironment: (text) => [{ text, command: restart }],
      enterEnvironment: (text) => [{ text, command: restart }],
      useConfig: (text) => [{ text, command: restart }],
      showLimit: (text) => ({ text, command: 'sudo docker inspect runner-a' }),
      raiseLimit: (text) => [{ text, command: 'sudo docker update runner-a' }],
    },
    hostPath: (path) => `/var/lib/volumes/runner-a${path}`,
    inNetwork: (command) => `sudo docker exec runner-a ${command}`,
  };
}

test('its probes see its files, its /proc and its process', async () => {
  await using root = await rootFolder({ '/proc/stat': 'btime 1\n' });
  const place = containerAt(root.paths);
  const process = runnerProcess({ pid: 7, uid: 1500, groups: [1500] });
  const contexts = [contextIn(FIRST), contextIn(place, { process })] as const;
  const { paths: inside } = place;
  const looks: unknown[] = [];
  const probes = ALL_PROBES.filter(({ id }) => id === 'service').map((probe) => ({
    ...probe,
    run: async (...[, , tools]: Parameters<typeof probe.run>) => {
      looks.push([tools.place.id, tools.paths, tools.process?.pid, tools.neighbours]);
      return await Promise.resolve({ status: 'pass' } as const);
    },
  }));
  const targets: readonly Target[] = [{ kind: 'service', id: NAME, place: NAME }];
  const jobs = jobsOf(checksOf(probes, targets, { requestsPerHour: 20, probes: {} }, contexts), {
    clock: setClock(),
    contexts,
    budget: requestBudget(setClock(), 20),
    known: () => undefined,
    restore: () => {},
  });
  for (const job of jobs) await job.run(patient(), () => {}, true);

  expect(looks).toEqual([[NAME, inside, 7, []]]);
});

test('its log is followed below its root', async () => {
  await using root = await rootFolder({ '/var/log/runner.log': '' });
  await using host = await rootFolder({ '/var/log/runner.log': 'not this one\n' });
  const place = containerAt(root.paths);
  const trigger = new EventTrigger({ clock: setClock() }, () => {});
  using stack = new DisposableStack();
  stack.defer(() => trigger.stop());
  trigger.follow([contextIn({ ...FIRST, paths: host.paths }), contextIn(place)]);
  const log = trigger.logAt(place);
  await log?.read(patient());
  const fields = { runner: 'abc12defg', status: 'EOF' };
  const line = inColours({ level: 'warning', message: 'Checking for jobs... failed', fields });
  await appendFile(join(root.paths.rootfs, '/var/log/runner.log'), `${line}\n`);
  await until(async () => (await log?.read(patient()))?.lines === 1);

  expect(trigger.logAt(FIRST)).toBeUndefined();
});

/** Reasons of checks that belong to one installation, as a cause is read from them. */
const REASONS = [...new Set(catalogue.flatMap(({ from }) => from))].filter((reason) =>
  OF_ONE.has(reason.split('/')[0] ?? ''),
);

test.each(REASONS)('the fix of %s there has no command of the unit beside it', (reason) => {
  const [probe = '', name = ''] = reason.split('/');
  const place = containerAt({ rootfs: '/proc/7/root', procfs: '/proc', sysfs: '/sys' });
  const executors = allBackendsOf('runnerCC1');
  const world = { ...TALKING, place, proxy: PROXY, runners: [runner('runnerCC1')], executors };
  const ill = inPlace(snapshotOf({ [probe]: fail(name) }, world), place);
  const { causes } = diagnose(together(inPlace(snapshotOf({}, TALKING), FIRST), ill));
  const commands = causes.flatMap(({ fix }) => fix.flatMap(({ command }) => command ?? []));

  expect(causes).not.toEqual([]);
  expect(
    commands.filter((one) => /(?:systemctl|journalctl)\b.* gitlab-runner\b/.test(one)),
  ).toEqual([]);
});

test('and a restart is the one of the container', () => {
  const place = containerAt({ rootfs: '/proc/7/root', procfs: '/proc', sysfs: '/sys' });
  const { causes } = diagnose(
    together(
      inPlace(snapshotOf(), FIRST),
      inPlace(snapshotOf({ service: fail('stopped') }, { place }), place),
    ),
  );

  expect(JSON.stringify(causes.map(({ fix }) => fix))).toContain('sudo docker');
});
