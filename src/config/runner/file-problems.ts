/** What can be wrong with a file before a line of it is read, and what to do about it. */
import { isErrno } from '../../core/errno.ts';
import type { Problem } from '../../core/reading.ts';

/** The problem of a failed stat or read. `why` is the error's code. */
export function fileProblem(file: string, error: unknown, why: string): Problem {
  if (isErrno(error, 'ENOENT')) {
    return {
      code: 'missing',
      file,
      message: `${file} does not exist`,
      fix: `Register a runner (\`gitlab-runner register\`), or restore ${file} from a backup.`,
    };
  }
  // Directories and loops fail the runner in the same way; a lack of rights may be ours alone.
  if (isErrno(error, 'EISDIR', 'ELOOP', 'ENOTDIR', 'ENAMETOOLONG')) return notAFile(file, why);
  return {
    code: 'unreadable',
    file,
    message: `${file} cannot be read by runnerwatch (${why})`,
    fix: `Let the user of runnerwatch read it: \`sudo setfacl -m u:runnerwatch:r ${file}\`, and :x on its directory.`,
  };
}

export function notAFile(file: string, why?: string): Problem {
  return {
    code: 'not-a-file',
    file,
    message: `${file} is not a file that can be read${why === undefined ? '' : ` (${why})`}`,
    fix: `Put the config file itself at ${file}; a mount of a path that did not exist makes a directory there.`,
  };
}

export function emptyFile(file: string): Problem {
  return {
    code: 'empty',
    file,
    message: `${file} holds no key: the runner loads it and serves nobody`,
    fix: `Restore ${file} from a backup, or register the runner again.`,
  };
}

export function hungFile(file: string, seconds: number): Problem {
  return {
    code: 'unreadable',
    file,
    message: `${file} could not be read within ${seconds} s: its file system does not answer`,
    fix: 'Look at the mount that holds it.',
  };
}

export function slowFile(file: string, seconds: number): Problem {
  return {
    code: 'too-large',
    file,
    message: `the file could not be parsed within ${seconds} s`,
    fix: 'Check that this is the right file.',
  };
}
