/** What systemd would give the unit, by files in a folder that replaces the host's root. */
import { describe, expect, test } from 'vitest';

import {
  readEnvironmentFile,
  readUnitFiles,
  unitEnvironment,
} from '../../../src/host/systemd/unit-files.ts';
import { rootFolder } from '../../support/dns-server.ts';

const UNIT = 'gitlab-runner.service';
const ETC = 'etc/systemd/system';

async function environmentOf(files: Readonly<Record<string, string>>) {
  await using root = await rootFolder(files);
  const { paths } = root;
  const read = await unitEnvironment(await readUnitFiles(UNIT, paths), paths);
  return read.map(({ variable, value, file, line }) => `${variable}=${value} ${file}:${line}`);
}

describe('the unit file and its drop-ins', () => {
  test('without a unit file there is nothing, even with drop-ins', async () => {
    const name = `${ETC}/${UNIT}.d/proxy.conf`;

    expect(await environmentOf({ [name]: '[Service]\nEnvironment=A=1\n' })).toEqual([]);
  });

  test('drop-ins follow in the order of their names, in any folder', async () => {
    const unit = '[Unit]\nEnvironment=NOT=here\n[Service]\nEnvironment=A=1\n';

    expect(
      await environmentOf({
        [`lib/systemd/system/${UNIT}`]: unit,
        [`${ETC}/${UNIT}.d/90-last.conf`]: '[Service]\nEnvironment=C=3',
        [`usr/lib/systemd/system/${UNIT}.d/10-first.conf`]: '[Service]\nEnvironment=B=2',
        [`${ETC}/${UNIT}.d/README`]: '[Service]\nEnvironment=D=4',
      }),
    ).toEqual([
      `A=1 /lib/systemd/system/${UNIT}:4`,
      `B=2 /usr/lib/systemd/system/${UNIT}.d/10-first.conf:2`,
      `C=3 /${ETC}/${UNIT}.d/90-last.conf:2`,
    ]);
  });

  test('/etc hides the unit and the drop-in of the same name in /lib', async () => {
    expect(
      await environmentOf({
        [`lib/systemd/system/${UNIT}`]: '[Service]\nEnvironment=A=lib',
        [`${ETC}/${UNIT}`]: '[Service]\nEnvironment=A=etc',
        [`lib/systemd/system/${UNIT}.d/a.conf`]: '[Service]\nEnvironment=B=lib',
        [`${ETC}/${UNIT}.d/a.conf`]: '[Service]\nEnvironment=B=etc',
      }),
    ).toEqual([`A=etc /${ETC}/${UNIT}:2`, `B=etc /${ETC}/${UNIT}.d/a.conf:2`]);
  });
});

describe('the lines', () => {
  test.each([
    ['Environment=A=1 B=2', ['A=1', 'B=2']],
    ['Environment="A=one two" \'B=three four\'', ['A=one two', 'B=three four']],
    [
      'Environment="HTTPS_PROXY=http://u:p%20w@proxy:3128"',
      ['HTTPS_PROXY=http://u:p%20w@proxy:3128'],
    ],
    ['Environment=A=1\nEnvironment=\nEnvironment=B=2', ['B=2']],
    ['Environment=A=1 \\\n  B=2', ['A=1', 'B=2']],
    ['# Environment=A=1\n;Environment=B=2', []],
    ['Environment=novalue =x', []],
    ['Environment=', []],
  ])('%j gives %j', async (line, expected) => {
    const found = await environmentOf({ [`${ETC}/${UNIT}`]: `[Service]\n${line}\n` });

    expect(found.map((text) => text.replace(/ \/etc.*$/, ''))).toEqual(expected);
  });

  test('environment files win over lines, and a missing one is nothing', async () => {
    const unit =
      '[Service]\nEnvironmentFile=-/etc/sysconfig/gitlab-runner\nEnvironmentFile=/no/such\nEnvironment=A=1\n';

    expect(
      await environmentOf({
        [`${ETC}/${UNIT}`]: unit,
        'etc/sysconfig/gitlab-runner': '#x\nA="2"\n',
      }),
    ).toEqual([`A=1 /${ETC}/${UNIT}:4`, 'A=2 /etc/sysconfig/gitlab-runner:2']);
  });
});

test('a profile script is read as assignments, with export and quotes', async () => {
  await using root = await rootFolder({
    'etc/profile.d/proxy.sh':
      "#!/bin/sh\nexport HTTPS_PROXY='http://proxy:3128';\nif true; then\nno_proxy=.test\n",
  });
  const { paths } = root;

  expect(await readEnvironmentFile('/etc/profile.d/proxy.sh', paths)).toEqual([
    {
      variable: 'HTTPS_PROXY',
      value: 'http://proxy:3128',
      file: '/etc/profile.d/proxy.sh',
      line: 2,
    },
    { variable: 'no_proxy', value: '.test', file: '/etc/profile.d/proxy.sh', line: 4 },
  ]);
});
