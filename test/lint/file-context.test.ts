/** Rules about the file itself, its directory and the state beside it, all of it given by the test. */
import { createHmac } from 'node:crypto';

import { describe } from 'vitest';

import type { LintHost } from '../support/lint-host.ts';
import { CONFIG_PATH, ENTRY, PROCESS, fileFact, testRows as run } from '../support/lint-host.ts';

const MACHINE_ID = '0123456789abcdef0123456789abcdef';
const OWN_ID = `s_${createHmac('sha256', MACHINE_ID).update('gitlab-runner').digest('hex').slice(0, 12)}`;
const OTHER = { ...PROCESS, uid: 999, groups: [999] };
const FOLDER = fileFact({ kind: 'directory', mode: 0o700 });
const ID_PATH = '/etc/gitlab-runner/.runner_system_id';

const own = (files: LintHost['files'], process = PROCESS): LintHost => ({
  configPath: CONFIG_PATH,
  process,
  files: { [CONFIG_PATH]: fileFact(), '/etc/gitlab-runner': FOLDER, ...files },
});

describe('the file itself', () => {
  run([
    {
      name: 'F01 a file that is gone',
      rule: 'F01',
      host: { configPath: CONFIG_PATH, files: {} },
      found: `${CONFIG_PATH} does not exist`,
    },
    { name: 'F01 a file that is there', rule: 'F01', host: own({}) },
    {
      name: 'F02 a file of root and another process',
      rule: 'F02',
      host: own({}, OTHER),
      found: `uid 999 cannot read ${CONFIG_PATH}`,
    },
    {
      name: 'F02 a file of the group of the process',
      rule: 'F02',
      host: own(
        {
          [CONFIG_PATH]: fileFact({ mode: 0o640, gid: 999 }),
          '/etc/gitlab-runner': fileFact({ kind: 'directory', mode: 0o755 }),
        },
        OTHER,
      ),
    },
    {
      name: 'F02 a folder that the process cannot enter',
      rule: 'F02',
      host: own({ [CONFIG_PATH]: fileFact({ mode: 0o644 }) }, OTHER),
      found: `uid 999 cannot read ${CONFIG_PATH}`,
    },
    { name: 'F02 root reads everything', rule: 'F02', host: own({}) },
    {
      name: 'F03 a system id of root and another process',
      rule: 'F03',
      host: own({ [ID_PATH]: fileFact() }, OTHER),
      found: 'uid 999 cannot read .runner_system_id',
    },
    {
      name: 'F03 a system id of the process',
      rule: 'F03',
      host: own({ [ID_PATH]: fileFact({ uid: 999 }) }, OTHER),
    },
    {
      name: 'F04 no system id, and no right to write one',
      rule: 'F04',
      host: own({}, OTHER),
      found: '.runner_system_id does not exist, and the runner process cannot create it',
    },
    { name: 'F04 no system id, and the right to write one', rule: 'F04', host: own({}) },
    {
      name: 'F04 a system id that is none',
      rule: 'F04',
      host: own({ [ID_PATH]: fileFact({ content: 'hello' }) }),
      found: '.runner_system_id contains no valid system id',
    },
    {
      name: 'F05 a system id of another host',
      rule: 'F05',
      host: own({
        [ID_PATH]: fileFact({ content: 's_aaaaaaaaaaaa' }),
        '/etc/machine-id': fileFact({ content: `${MACHINE_ID}\n` }),
      }),
      found: '.runner_system_id was created on another host',
    },
    {
      name: 'F05 a system id of this host',
      rule: 'F05',
      host: own({
        [ID_PATH]: fileFact({ content: `${OWN_ID}\n` }),
        '/etc/machine-id': fileFact({ content: `${MACHINE_ID}\n` }),
      }),
    },
    {
      name: 'F11 a system id of another host, from before this one',
      rule: 'F11',
      host: own({
        [ID_PATH]: fileFact({ content: 's_0123456789ab' }),
        '/etc/machine-id': fileFact({ content: MACHINE_ID, modifiedAt: 86_400_000 }),
      }),
      found: '.runner_system_id is older than /etc/machine-id, and was created on another host',
    },
    {
      name: 'F11 a system id of another host, given to this one',
      rule: 'F11',
      host: own({
        [ID_PATH]: fileFact({ content: 's_0123456789ab', modifiedAt: 86_400_000 }),
        '/etc/machine-id': fileFact({ content: MACHINE_ID }),
      }),
    },
    {
      name: 'F11 a system id of this host, whose identity was put back later',
      rule: 'F11',
      host: own({
        [ID_PATH]: fileFact({ content: OWN_ID }),
        '/etc/machine-id': fileFact({ content: MACHINE_ID, modifiedAt: 86_400_000 }),
      }),
    },
    {
      name: 'F05 a random system id',
      rule: 'F05',
      host: own({
        [ID_PATH]: fileFact({ content: 'r_aaaaaaaaaaaa' }),
        '/etc/machine-id': fileFact({ content: MACHINE_ID }),
      }),
    },
    {
      name: 'F06 a file for every user',
      rule: 'F06',
      host: own({
        [CONFIG_PATH]: fileFact({ mode: 0o644 }),
        '/etc/gitlab-runner': fileFact({ kind: 'directory', mode: 0o755 }),
      }),
      found: `${CONFIG_PATH} has mode 0644`,
    },
    {
      name: 'F06 a file for every user in a closed folder',
      rule: 'F06',
      host: own({ [CONFIG_PATH]: fileFact({ mode: 0o644 }) }),
    },
    { name: 'F06 a file for its owner', rule: 'F06', host: own({}) },
    {
      name: 'F07 a token that expires in a file that cannot be written',
      rule: 'F07',
      text: `${ENTRY}  token_expires_at = 2027-01-01T00:00:00Z`,
      host: own({}, OTHER),
      found: `uid 999 cannot write ${CONFIG_PATH}, and a token in it expires`,
    },
    {
      name: 'F07 a token that expires on a mount for reading',
      rule: 'F07',
      text: `${ENTRY}  token_expires_at = 2027-01-01T00:00:00Z`,
      host: own({
        '/proc/812/mountinfo': fileFact({
          content:
            '1 0 8:1 / / rw - ext4 none rw\n2 1 0:9 / /etc/gitlab-runner ro,nosuid - tmpfs none rw\n',
        }),
      }),
      found: `uid 0 cannot write ${CONFIG_PATH}, and a token in it expires`,
    },
    { name: 'F07 a token that does not expire', rule: 'F07', host: own({}, OTHER) },
    {
      name: 'F08 an error, and a process',
      rule: 'F08',
      text: 'concurrent = "4"',
      host: { process: PROCESS },
      found:
        'process 812 uses the previous configuration and will not start again, because of line 1',
    },
    { name: 'F08 an error, and no process', rule: 'F08', text: 'concurrent = "4"', host: {} },
    {
      name: 'F08 a syntax error, and a process',
      rule: 'F08',
      text: 'concurrent = = 4',
      host: { process: PROCESS },
      found:
        'process 812 uses the previous configuration and will not start again, because of line 1',
    },
    {
      name: 'F08 jobs that fail do not keep it from starting',
      rule: 'F08',
      text: `${ENTRY}  shell = "zsh"`,
      host: { process: PROCESS },
    },
    {
      name: 'F09 a change that the runner does not see',
      rule: 'F09',
      host: { ...own({}), history: { changedUnseen: true } },
      found: `${CONFIG_PATH} has new content and an old modification time`,
    },
    {
      name: 'F09 a change that the runner sees',
      rule: 'F09',
      host: { ...own({}), history: { changedUnseen: false } },
    },
    {
      name: 'F10 a newer file elsewhere',
      rule: 'F10',
      host: own({ '/root/.gitlab-runner/config.toml': fileFact({ modifiedAt: 5 }) }),
      found: '/root/.gitlab-runner/config.toml exists as well',
    },
    {
      name: 'F10 an older file elsewhere',
      rule: 'F10',
      host: own({
        [CONFIG_PATH]: fileFact({ modifiedAt: 9 }),
        '/root/.gitlab-runner/config.toml': fileFact({ modifiedAt: 5 }),
      }),
    },
  ]);
});
