/** Problems of a file before its first line is parsed, each with a fix. */
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
  // A directory or a loop of links fails for the runner too; missing rights may be only ours.
  if (isErrno(error, 'EISDIR', 'ELOOP', 'ENOTDIR', 'ENAMETOOLONG'))
    return notAFileProblem(file, why);
  return {
    code: 'unreadable',
    file,
    message: `${file} cannot be read by runnerwatch (${why})`,
    fix: 'Start runnerwatch as root.',
  };
}

export function notAFileProblem(file: string, why?: string): Problem {
  return {
    code: 'not-a-file',
    file,
    message: `${file} is not a regular file${why === undefined ? '' : ` (${why})`}`,
    fix: `Put the config file at ${file}. Docker creates a directory when it mounts a path that does not exist.`,
  };
}

export function emptyFileProblem(file: string): Problem {
  return {
    code: 'empty',
    file,
    message: `${file} is empty: the runner loads it and takes no jobs`,
    fix: `Restore ${file} from a backup, or register the runner again.`,
  };
}

export function hungFileProblem(file: string, seconds: number): Problem {
  return {
    code: 'unreadable',
    file,
    message: `reading ${file} took more than ${seconds} s: its file system does not respond`,
    fix: 'Check the mount that holds it.',
  };
}

export function slowFileProblem(file: string, seconds: number): Problem {
  return {
    code: 'too-large',
    file,
    message: `parsing the file took more than ${seconds} s of processor time`,
    fix: 'Check that this is the right file.',
  };
}
