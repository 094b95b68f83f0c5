/** Arguments for a POSIX shell: values come from outside, and each must stay one argument. */

/** One argument for the shell; quoted only when it must be. */
export function quoteArgument(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

/** `HTTPS_PROXY=http://proxy:3128 NO_PROXY=gitlab`, each value quoted where it must be. */
export function assignmentArguments(variables: Readonly<Record<string, string>>): string {
  return Object.entries(variables)
    .map(([name, value]) => `${name}=${quoteArgument(value)}`)
    .join(' ');
}
