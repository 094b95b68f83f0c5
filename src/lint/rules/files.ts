/**
 * The file itself and what lies beside it: docs/reference/runner-config.md#start-and-reload. Where it is
 * missing, no text is judged.
 */
import { dirname, join } from 'node:path';

import { isSystemId } from '../../gitlab/token.ts';
import type { FileAttributes, FileFact, LintContext } from '../context.ts';
import { isAllowed, isThere, mountOptions } from '../named-files.ts';
import type { Rule } from '../rule.ts';
import { instantAt } from '../values.ts';
import type { Violation } from '../violation.ts';

const USUAL_PLACES = [
  '/etc/gitlab-runner/config.toml',
  '/root/.gitlab-runner/config.toml',
  '/home/gitlab-runner/.gitlab-runner/config.toml',
  '/home/gitlab-runner/config.toml',
];

interface Own {
  readonly path: string;
  readonly file: FileFact | undefined;
  readonly folder: FileFact | undefined;
  readonly systemId: FileFact | undefined;
}

/** The file, its folder and the state beside it. */
function ownOf({ configPath, files }: LintContext): Own | undefined {
  if (configPath === undefined || files === undefined) return undefined;
  return {
    path: configPath,
    file: files.stat(configPath),
    folder: files.stat(dirname(configPath)),
    systemId: files.read(join(dirname(configPath), '.runner_system_id')),
  };
}

/** A rule about the file as such: no place in the text. */
function ofFile(
  check: (own: Own, context: LintContext, expires: boolean) => string | undefined,
): Rule['check'] {
  return ({ sections }, context): Iterable<Violation> => {
    const own = ownOf(context);
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
    title: 'The file is not there',
    consequence:
      'The process starts and idles, with an error every three seconds; a SIGHUP drops every entry it still had.',
    fix: 'Restore it from a backup, or register a runner.',
    needs: ['files'],
    check: ofFile(({ path, file }) =>
      file?.kind === 'missing' ? `${path} is not there` : undefined,
    ),
  },
  {
    code: 'F02',
    name: 'file-unreadable',
    severity: 'error',
    effect: 'start',
    title: 'The runner may not read the file',
    consequence: 'The process ends at its start.',
    fix: 'Give it to the user of the process: `sudo chown gitlab-runner config.toml`.',
    needs: ['files', 'process'],
    check: ofFile(({ path, file, folder }, { process }) => {
      if (process === undefined || file === undefined || folder === undefined) return undefined;
      const isDenied =
        isAllowed(file, process, 4) === false || isAllowed(folder, process, 1) === false;
      return isDenied ? `${path} cannot be read by uid ${process.uid}` : undefined;
    }),
  },
  {
    code: 'F03',
    name: 'system-id-unreadable',
    severity: 'error',
    effect: 'start',
    title: 'The runner may not read its .runner_system_id',
    consequence: 'The process ends at its start.',
    fix: 'Give the file to the user of the process, with mode 0600.',
    needs: ['files', 'process'],
    check: ofFile(({ systemId }, { process }) =>
      process !== undefined && systemId !== undefined && isAllowed(systemId, process, 4) === false
        ? `.runner_system_id cannot be read by uid ${process.uid}`
        : undefined,
    ),
  },
  {
    code: 'F04',
    name: 'system-id-not-kept',
    severity: 'warning',
    title: 'The runner has a new system id after each start',
    consequence: 'GitLab shows one more runner manager each time, and the old ones as offline.',
    fix: 'Let the process write into the folder, or keep the folder on a volume.',
    needs: ['files', 'process'],
    check: ofFile(({ systemId, folder }, { process }) => {
      if (process === undefined || systemId === undefined || folder === undefined) return undefined;
      if (isThere(systemId) && systemId.content !== undefined) {
        return isSystemId(systemId.content.trim())
          ? undefined
          : '.runner_system_id holds no id that the runner takes';
      }
      const isLocked = isAllowed(folder, process, 2) === false;
      return systemId.kind === 'missing' && isLocked
        ? 'there is no .runner_system_id, and the process cannot write one'
        : undefined;
    }),
  },
  {
    code: 'F06',
    name: 'file-for-everybody',
    severity: 'warning',
    title: 'Others may read the file',
    consequence: 'Whoever reads it has the tokens, and can take jobs with their secrets.',
    fix: '`sudo chmod 600 config.toml`, and 700 for its folder.',
    needs: ['files'],
    check: ofFile(({ path, file, folder }) => {
      if (isThere(file) && (file.mode & 0o077) !== 0) {
        const isShut = isThere(folder) && (folder.mode & 0o077) === 0;
        return isShut ? undefined : `${path} has the mode ${octal(file)}`;
      }
      return undefined;
    }),
  },
  {
    code: 'F07',
    name: 'new-token-lost',
    severity: 'warning',
    title: 'A token is to be renewed, and the file cannot be written',
    consequence:
      'The new token lives in the process alone; after a restart the runner has the dead one.',
    fix: 'Let the process write the file, or turn renewal off with FF_DISABLE_AUTOMATIC_TOKEN_ROTATION.',
    needs: ['files', 'process'],
    check: ofFile(({ path, file }, context, expires) => {
      const { process } = context;
      if (!expires || process === undefined || file === undefined) return undefined;
      const isLocked =
        isAllowed(file, process, 2) === false || mountOptions(path, context).includes('ro');
      return isLocked
        ? `${path} cannot be written by uid ${process.uid}, and a token in it expires`
        : undefined;
    }),
  },
  {
    code: 'F08',
    name: 'dies-at-its-next-start',
    severity: 'warning',
    title: 'The file does not load, and a process still runs on the one before',
    consequence: 'It will not survive a restart, nor the next upgrade of the package.',
    fix: 'Mend the file now, before anybody restarts the runner.',
    needs: ['process'],
    byOthers: true,
    check: () => [],
  },
  {
    code: 'F09',
    name: 'change-not-seen',
    severity: 'warning',
    title: 'The file changed, and its time of change did not',
    consequence:
      'The runner reloads a file only when its time is newer: it still has the old content.',
    fix: 'Type `sudo touch config.toml`, or send the process a SIGHUP.',
    needs: ['history'],
    check: ofFile(({ path }, { history }) =>
      history?.changedUnseen === true
        ? `${path} has a new content and an old time of change`
        : undefined,
    ),
  },
  {
    code: 'F10',
    name: 'two-config-files',
    severity: 'warning',
    title: 'There is a second config.toml',
    consequence: 'A runner that was registered into the other one never polls.',
    fix: 'Register with the same --config as the service, and remove the other file.',
    needs: ['files'],
    check: ofFile(({ path, file }, { files }) => {
      if (!isThere(file)) return undefined;
      const other = USUAL_PLACES.find(
        (place) => place !== path && isOther(files?.stat(place), file),
      );
      return other === undefined ? undefined : `there is ${other} as well`;
    }),
  },
];

function isOther(fact: FileFact | undefined, own: FileAttributes): boolean {
  return isThere(fact) && fact.kind === 'file' && fact.modifiedAt > own.modifiedAt;
}

function octal({ mode }: FileAttributes): string {
  return (mode & 0o777).toString(8).padStart(4, '0');
}
