/** Where a runner lives, found in a root folder and a /proc of the test's own. */
import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import type { Place } from '../../src/core/place.ts';
import type { RunnerProcess } from '../../src/core/reading.ts';
import { PlaceFinder } from '../../src/discovery/place.ts';
import { unitOfGroups } from '../../src/host/proc/process-unit.ts';
import { rootFolder } from '../support/dns-server.ts';
import { runnerProcess } from '../support/runner-process.ts';

const CONFIG = '/etc/gitlab-runner/config.toml';
const SYSTEMD = { '/run/systemd/system/mark': '' };
const UNIT = { '/etc/systemd/system/gitlab-runner.service': '[Service]\nUser=ci\n' };
const PROGRAM = { '/usr/local/bin/gitlab-runner': '' };
const SCRIPT = { '/etc/init.d/gitlab-runner': '. /etc/default/$NAME\n' };
const PASSWD = {
  '/etc/passwd': 'root:x:0:0::/root:/bin/sh\nalice:x:1001:1001::/home/alice:/bin/sh\n',
};

interface Given {
  readonly process?: RunnerProcess;
  readonly logFile?: string;
  /** A file that the process writes its errors to. */
  readonly errorFile?: string;
  readonly finder?: PlaceFinder;
}

async function placeOf(
  files: Readonly<Record<string, string>>,
  { process, logFile, errorFile, finder = new PlaceFinder() }: Given = {},
): Promise<Place> {
  const pid = process?.pid ?? 0;
  await using root = await rootFolder({ ...files, [`/proc/${pid}/fd/1`]: '' });
  const { rootfs } = root.paths;
  if (errorFile !== undefined) {
    await writeFile(join(rootfs, errorFile), '');
    await symlink(errorFile, join(rootfs, `proc/${pid}/fd/2`));
  }
  const paths = { ...root.paths, procfs: join(rootfs, 'proc') };
  const configPath = process?.configPath ?? CONFIG;
  return await finder.find({ process, configPath, logFile, paths });
}

const group = (path: string) => ({ '/proc/4711/cgroup': `0::${path}\n` });

describe('a process', () => {
  test('of a unit of another name is that unit’s', async () => {
    const files = { ...SYSTEMD, ...group('/system.slice/gitlab-runner-2.service') };
    const place = await placeOf(files, { process: runnerProcess() });

    expect(place).toMatchObject({
      id: 'gitlab-runner-2.service',
      unit: 'gitlab-runner-2.service',
      description: 'systemd unit gitlab-runner-2.service',
      log: { kind: 'journal', unit: 'gitlab-runner-2.service' },
      user: { uid: 0, name: '0' },
    });
    expect(place.commands.restart).toBe('sudo systemctl restart gitlab-runner-2');
  });

  test('of a user’s unit is that systemd’s, with its journal', async () => {
    const path = '/user.slice/user-1001.slice/user@1001.service/app.slice/gitlab-runner.service';
    const process = runnerProcess({ uid: 1001 });
    const place = await placeOf({ ...SYSTEMD, ...PASSWD, ...group(path) }, { process });

    expect(place).toMatchObject({
      id: 'gitlab-runner.service',
      log: { kind: 'journal', unit: 'gitlab-runner.service', ownerId: 1001 },
      user: { uid: 1001, name: 'alice' },
    });
    expect(place.unit).toBeUndefined();
    expect(place.commands.restart).toMatch(/systemctl --user restart gitlab-runner$/);
  });

  test('of a session was started by hand, even if a unit is installed', async () => {
    const path = '/user.slice/user-1001.slice/session-3.scope';
    const process = runnerProcess({
      uid: 1001,
      arguments: ['./gitlab-runner', 'run'],
      workingDirectory: '/home/alice',
      configPath: '/home/alice/.gitlab-runner/config.toml',
      configFoundBy: 'default',
      environment: { HOME: '/home/alice' },
    });
    const place = await placeOf({ ...SYSTEMD, ...UNIT, ...PASSWD, ...group(path) }, { process });

    expect(place.id).toBe('gitlab-runner');
    expect(place.unit).toBeUndefined();
    expect(place.files).toMatchObject({
      config: '/home/alice/.gitlab-runner/config.toml',
      certs: '/home/alice/.gitlab-runner/certs',
    });
    expect(place.commands.start).toBe(
      `sudo -b -H -u alice sh -c 'cd /home/alice && exec nohup ./gitlab-runner run --config /home/alice/.gitlab-runner/config.toml'`,
    );
    expect(place.commands.runner('--version')).toBe(
      'sudo -H -u alice /home/alice/gitlab-runner --version',
    );
  });

  test('that another service happened to start, such as cron, was started by hand', async () => {
    const files = {
      ...SYSTEMD,
      '/usr/lib/systemd/system/cron.service': '[Service]\nExecStart=/usr/sbin/cron -f\n',
      ...group('/system.slice/cron.service'),
    };

    expect((await placeOf(files, { process: runnerProcess() })).id).toBe('gitlab-runner');
  });

  test('in the root group is that of the installed unit', async () => {
    const place = await placeOf(
      { ...SYSTEMD, ...UNIT, ...group('/') },
      { process: runnerProcess() },
    );

    expect(place.unit).toBe('gitlab-runner.service');
  });

  test('whose id a script wrote down is that script’s, with its file of variables', async () => {
    const files = { ...SCRIPT, '/var/run/gitlab-runner.pid': '4711\n' };
    const place = await placeOf(files, { process: runnerProcess() });

    expect(place.description).toBe('script /etc/init.d/gitlab-runner');
    expect(place.commands.restart).toBe('sudo service gitlab-runner restart');
    expect(place.commands.setEnvironment('Set it.', { HTTPS_PROXY: 'http://p:1' })).toEqual([
      {
        text: 'Set it.',
        command: `echo 'export HTTPS_PROXY=http://p:1' | sudo tee -a /etc/default/gitlab-runner`,
      },
      { text: 'Restart the runner.', command: 'sudo service gitlab-runner restart' },
    ]);
  });

  test('that no script has written down was started by hand', async () => {
    const files = { ...SCRIPT, '/var/run/gitlab-runner.pid': '99\n' };

    expect((await placeOf(files, { process: runnerProcess() })).description).toBe(
      'process 4711, started by hand',
    );
  });

  test('that writes its errors to a file has its log there; our settings say better', async () => {
    const process = runnerProcess();
    const errorFile = '/runner.log';

    expect((await placeOf({}, { process, errorFile })).log).toEqual({
      kind: 'file',
      path: errorFile,
    });
    expect((await placeOf({}, { process, errorFile, logFile: '/var/log/x' })).log).toEqual({
      kind: 'file',
      path: '/var/log/x',
    });
    expect((await placeOf({}, { process })).log).toBeUndefined();
  });
});

test('a runner that is gone is started again by what started it', async () => {
  const finder = new PlaceFinder();
  const session = group('/user.slice/user-0.slice/session-3.scope');
  const process = runnerProcess({ workingDirectory: '/' });
  const files = { ...SYSTEMD, ...UNIT };
  const before = await placeOf({ ...files, ...session }, { process, finder });
  const after = await placeOf(files, { finder });

  expect(after.id).toBe(before.id);
  expect(before.commands.restart).toMatch(
    /^sudo -b xargs .*'kill 4711;.* nohup \/usr\/bin\/gitlab-runner run' sh$/,
  );
  expect(after.commands.restart).toBe('sudo -b nohup /usr/bin/gitlab-runner run');
});

describe('without a process', () => {
  test.each([
    [
      'the unit that is installed, as its user',
      { ...SYSTEMD, ...UNIT, ...PROGRAM },
      'ci',
      'sudo systemctl enable --now gitlab-runner',
    ],
    [
      'a unit of another name',
      { ...SYSTEMD, '/lib/systemd/system/gitlab-runner-2.service': '' },
      'root',
      'sudo systemctl enable --now gitlab-runner-2',
    ],
    [
      'the unit of the package, where nothing is installed',
      SYSTEMD,
      'root',
      'sudo systemctl enable --now gitlab-runner',
    ],
    ['a script', { ...SCRIPT, ...PROGRAM }, 'root', 'sudo service gitlab-runner start'],
    [
      'the program alone',
      { ...SYSTEMD, ...PROGRAM },
      'root',
      'sudo -b nohup /usr/local/bin/gitlab-runner run --config /etc/gitlab-runner/config.toml',
    ],
  ])('it is %s', async (_what, files, user, start) => {
    const place = await placeOf(files);

    expect(place.commands.start).toBe(start);
    expect(place.user.name).toBe(user);
  });
});

test.each([
  ['1:name=systemd:/system.slice/x.service\n8:pids:/\n', { kind: 'service', unit: 'x.service' }],
  ['0::/../../system.slice/x.service', { kind: 'service', unit: 'x.service' }],
  ['0::/system.slice/docker.service/' + 'a'.repeat(64), { kind: 'other' }],
  ['0::/system.slice/docker-abc.scope', { kind: 'other' }],
  ['0::/user.slice/user-0.slice/session-1.scope', { kind: 'other' }],
  ['0::/\n1:name=systemd:/\n', { kind: 'unknown' }],
  ['', { kind: 'unknown' }],
])('the groups %j are of %j', (text, expected) => {
  expect(unitOfGroups(text)).toEqual(expected);
});
