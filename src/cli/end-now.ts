/** The end of a process in which something hangs. */

/**
 * Ends it at once with that code. `process.exit` alone would wait for the threads of libuv, and one that hangs in a
 * read of a dead mount never comes back: another program takes the place of this one, and says the code.
 */
export function endNow(exitCode: number): void {
  const { execPath } = process;
  try {
    process.execve?.(execPath, [execPath, '-e', `process.exit(${exitCode})`], {});
  } finally {
    process.exit(exitCode);
  }
}
