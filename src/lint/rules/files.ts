/**
 * The file itself and the state beside it (docs/reference/runner-config.md#where-the-file-is and #system-id). If
 * the file is missing, no other rule runs.
 */
import { createHmac } from 'node:crypto';
import { dirname, join } from 'node:path';

import { isSystemId } from '../../gitlab/token.ts';
import { usualConfigs } from '../../host/place/runner-files.ts';
import type { FileAttributes, FileFact, LintContext } from '../context.ts';
import { isAllowed, isThere, mountOptions } from '../named-files.ts';
import type { Rule } from '../rule.ts';
import { instantAt } from '../values.ts';
import type { Violation } from '../violation.ts';

const MACHINE_IDS = ['/var/lib/dbus/machine-id', '/etc/machine-id'];
/** Both files may be written during the first start of a host. */
const OLDER_MILLISECONDS = 3_600_000;

interface ConfigFiles {
  readonly path: string;
  readonly file: FileFact | undefined;
  readonly folder: FileFact | undefined;
  readonly systemId: FileFact | undefined;
}

/** The file, its directory and the system id beside it. */
function configFilesOf({ configPath, files }: LintContext): ConfigFiles | undefined {
  if (configPath === undefined || files === undefined) return undefined;
  return {
    path: configPath,
    file: files.stat(configPath),
    folder: files.stat(dirname(configPath)),
    systemId: files.read(join(dirname(configPath), '.runner_system_id')),
  };
}

/** A rule about the file as such, which has no position in the text. */
function ofFile(
  check: (own: ConfigFiles, context: LintContext, expires: boolean) => string | undefined,
): Rule['check'] {
  return ({ sections }, context): Iterable<Violation> => {
    const own = configFilesOf(context);
    const expires = sections.some(
      ({ table }) => instantAt(table, 'token_expires_at') !== undefined,
    );
    const message = own === undefined ? undefined : check(own, context, expires);
    return message === undefined ? [] : [{ message }];
  };
}

export const FILE_RULES: readonly Rule[] = [
  {
    code: 'F01',
    name: 'file-missing',
    severity: 'warning',
    title: 'The file does not exist',
    consequence:
      'The runner starts without entries and logs an error every three seconds; after a SIGHUP it drops the entries that it had loaded before.',
    fix: 'Restore the file from a backup, or register a runner.',
    needs: ['files'],
    check: ofFile(({ path, file }) =>
      file?.kind === 'missing' ? `${path} does not exist` : undefined,
    ),
  },
  {
    code: 'F02',
    name: 'file-unreadable',
    severity: 'error',
    effect: 'start',
    title: 'The runner may not read the file',
    consequence: 'The process exits at its start.',
    fix: 'Make the user of the runner process the owner of the file: `sudo chown USER config.toml`.',
    needs: ['files', 'process'],
    check: ofFile(({ path, file, folder }, { process }) => {
      if (process === undefined || file === undefined || folder === undefined) return undefined;
      const isDenied =
        isAllowed(file, process, 'read') === false || isAllowed(folder, process, 'enter') === false;
      return isDenied ? `uid ${process.uid} cannot read ${path}` : undefined;
    }),
  },
  {
    code: 'F03',
    name: 'system-id-unreadable',
    severity: 'error',
    effect: 'start',
    title: 'The runner may not read its .runner_system_id',
    consequence: 'The process exits at its start.',
    fix: 'Make the user of the runner process the owner of .runner_system_id, with mode 0600.',
    needs: ['files', 'process'],
    check: ofFile(({ systemId }, { process }) =>
      process !== undefined &&
      systemId !== undefined &&
      isAllowed(systemId, process, 'read') === false
        ? `uid ${process.uid} cannot read .runner_system_id`
        : undefined,
    ),
  },
  {
    code: 'F04',
    name: 'system-id-not-kept',
    severity: 'warning',
    title: 'The runner gets a new system id at every start',
    consequence: 'GitLab lists a new runner manager after each start, and the old ones as offline.',
    fix: 'Make the directory writable for the runner process, or keep the directory on a volume.',
    needs: ['files', 'process'],
    check: ofFile(({ systemId, folder }, { process }) => {
      if (process === undefined || systemId === undefined || folder === undefined) return undefined;
      if (isThere(systemId) && systemId.content !== undefined) {
        return isSystemId(systemId.content.trim())
          ? undefined
          : '.runner_system_id contains no valid system id';
      }
      const isReadOnly = isAllowed(folder, process, 'write') === false;
      return systemId.kind === 'missing' && isReadOnly
        ? '.runner_system_id does not exist, and the runner process cannot create it'
        : undefined;
    }),
  },
  {
    code: 'F05',
    name: 'system-id-of-another-host',
    severity: 'warning',
    title: 'The system id is that of another host',
    consequence: 'GitLab takes both hosts for one runner manager.',
    fix: 'Remove .runner_system_id and restart the runner.',
    needs: ['files', 'process'],
    check: (_config, context) =>
      isForeign(context) ? [{ message: '.runner_system_id was created on another host' }] : [],
  },
  {
    code: 'F06',
    name: 'file-for-everybody',
    severity: 'warning',
    title: 'Other users may read the file',
    consequence: 'Everyone who reads the tokens in it can take jobs and read their secrets.',
    fix: 'Type `sudo chmod 600 config.toml`, and `sudo chmod 700` for its directory.',
    needs: ['files'],
    check: ofFile(({ path, file, folder }) => {
      if (!isThere(file) || (file.mode & 0o077) === 0) return undefined;
      const isShut = isThere(folder) && (folder.mode & 0o077) === 0;
      return isShut ? undefined : `${path} has mode ${octal(file)}`;
    }),
  },
  {
    code: 'F07',
    name: 'new-token-lost',
    severity: 'warning',
    title: 'A token expires, and the runner cannot write the file',
    consequence:
      'The renewed token is only in the memory of the process; after a restart the runner has the expired one.',
    fix: 'Make the file writable for the runner, or turn renewal off with FF_DISABLE_AUTOMATIC_TOKEN_ROTATION.',
    needs: ['files', 'process'],
    check: ofFile(({ path, file }, context, expires) => {
      const { process } = context;
      if (!expires || process === undefined || file === undefined) return undefined;
      const isReadOnly =
        isAllowed(file, process, 'write') === false || mountOptions(path, context).includes('ro');
      return isReadOnly
        ? `uid ${process.uid} cannot write ${path}, and a token in it expires`
        : undefined;
    }),
  },
  {
    code: 'F08',
    name: 'dies-at-its-next-start',
    severity: 'warning',
    title: 'The file does not load, and the runner still uses the previous one',
    consequence:
      'The runner will not start again: neither after a restart nor after an upgrade of the package.',
    fix: 'Correct the file before the runner is restarted.',
    needs: ['process'],
    check: () => [],
  },
  {
    code: 'F09',
    name: 'change-not-seen',
    severity: 'warning',
    title: 'The file changed, and its modification time did not become newer',
    consequence:
      'The runner reloads a file only when its modification time is newer: it still uses the old content.',
    fix: 'Type `sudo touch config.toml`, or send the process a SIGHUP.',
    needs: ['history'],
    check: ofFile(({ path }, { history }) =>
      history?.changedUnseen === true
        ? `${path} has new content and an old modification time`
        : undefined,
    ),
  },
  {
    code: 'F10',
    name: 'two-config-files',
    severity: 'warning',
    title: 'There is a second, newer config.toml',
    consequence: 'Runners that were registered into the other file take no jobs.',
    fix: 'Register with the same --config as the runner process uses, and remove the other file.',
    needs: ['files'],
    check: ofFile(({ path, file }, { files }) => {
      if (!isThere(file)) return undefined;
      const other = usualConfigs().find(
        (other) => other !== path && isNewer(files?.stat(other), file),
      );
      return other === undefined ? undefined : `${other} exists as well`;
    }),
  },
  {
    code: 'F11',
    name: 'system-id-older-than-host',
    severity: 'warning',
    title: 'The system id is older than the machine id of this host',
    consequence:
      'It was part of an image: GitLab takes every machine made from that image for one runner manager.',
    fix: 'Remove .runner_system_id, restart the runner, and remove the file from the image.',
    needs: ['files', 'process'],
    check: (_config, context) =>
      isForeign(context) && isOlder(context)
        ? [
            {
              message:
                '.runner_system_id is older than /etc/machine-id, and was created on another host',
            },
          ]
        : [],
  },
];

function isNewer(fact: FileFact | undefined, own: FileAttributes): boolean {
  return isThere(fact) && fact.kind === 'file' && fact.modifiedAt > own.modifiedAt;
}

function octal({ mode }: FileAttributes): string {
  return (mode & 0o777).toString(8).padStart(4, '0');
}

function isForeign(context: LintContext): boolean {
  const file = configFilesOf(context)?.systemId;
  const text = isThere(file) ? (file.content ?? '').trim() : '';
  const own = systemIdOf(context);
  return text.startsWith('s_') && own !== undefined && isSystemId(text) && text !== own;
}

function isOlder(context: LintContext): boolean {
  const file = configFilesOf(context)?.systemId;
  const machine = context.files?.stat('/etc/machine-id');
  if (!isThere(file) || !isThere(machine)) return false;
  return machine.modifiedAt - file.modifiedAt > OLDER_MILLISECONDS;
}

/** `s_` and 12 digits out of the machine id, as the runner derives it. */
function systemIdOf({ files }: LintContext): string | undefined {
  const ids = MACHINE_IDS.map((path) => files?.read(path));
  if (ids.includes(undefined)) return undefined;
  const id = ids
    .map((fact) => (isThere(fact) ? (fact.content ?? '').trim() : ''))
    .find((text) => text !== '');
  if (id === undefined) return undefined;
  return `s_${createHmac('sha256', id).update('gitlab-runner').digest('hex').slice(0, 12)}`;
}
