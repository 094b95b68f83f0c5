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

/**
 * Changes a file by scripts of sed, as every sed can: `sed -i` would put a new file in place of a link, fails where the file
 * is a mount, and that of BusyBox follows no link. `path` is quoted already; `input` is what the scripts read.
 */
export function editFile(path: string, scripts: readonly string[], input?: string): string {
  const edits = scripts.map((script) => `-e ${quoteArgument(script)}`).join(' ');
  const read = input === undefined ? '' : `${input} | `;
  const write = String.raw`printf '%s\n' "$text" | sudo tee ${path} >/dev/null`;
  return `text=$(${read}sudo sed ${edits} ${path}) && ${write}`;
}
