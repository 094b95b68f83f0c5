/** The value of a flag on a command line, as the runner's parser reads it: `--user x`, `--user=x`, `-user x`. */

/** Of the last flag of these names (`--user`, `-u`); `undefined` without one. */
export function flagValue(
  words: readonly string[],
  ...names: readonly string[]
): string | undefined {
  const index = words.findLastIndex((word) => names.some((name) => isFlag(word, name)));
  const word = words[index];
  if (word === undefined) return undefined;
  const equals = word.indexOf('=');
  return equals === -1 ? words[index + 1] : word.slice(equals + 1);
}

/** One dash is as good as two. */
function isFlag(word: string, name: string): boolean {
  const [flag = ''] = word.split('=', 1);
  return flag.startsWith('-') && flag.replace(/^--?/, '') === name.replace(/^--?/, '');
}
