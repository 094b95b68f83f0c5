/** Errors of the operating system are distinguished by `code`, never by their text. */

/** True for an error that carries a `code`; with `codes`, only for those. */
export function isErrno(
  error: unknown,
  ...codes: readonly string[]
): error is NodeJS.ErrnoException {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string')
    return false;
  return codes.length === 0 || codes.includes(error.code);
}

/** The code of an error (`ECONNREFUSED`), or its message where it has none. */
export function errnoText(error: unknown): string {
  if (isErrno(error)) return error.code ?? error.message;
  return error instanceof Error ? error.message : String(error);
}
