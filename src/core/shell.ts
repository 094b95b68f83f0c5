/** Words for a POSIX shell: whatever a command names comes from outside, and must stay one word. */

/** One word for the shell; quoted only when it must be. */
export function quoteArgument(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

/** `HTTPS_PROXY=http://proxy:3128 NO_PROXY=gitlab`, each word quoted where it must be. */
export function assignmentArguments(variables: Readonly<Record<string, string>>): string {
  return Object.entries(variables)
    .map(([name, value]) => `${name}=${quoteArgument(value)}`)
    .join(' ');
}
