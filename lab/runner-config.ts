/** The runner's config.toml of a row. */
export interface Entry {
  readonly name: string;
  readonly token: string;
  readonly url: string;
  readonly executor: string;
  /** Further lines of the entry. */
  readonly more: string;
}

export const SYSTEM_ID = 's_0123456789ab';
/** Secrets that no byte of runnerwatch may hold; every token of the lab begins with it after its prefix. */
export const CANARY = 'KanaryKanary';

/** The entry of most rows; its executor needs nothing but the host. */
export function usualEntry(over: Partial<Entry> = {}): Entry {
  const name = over.name ?? 'shell-1';
  return {
    name,
    token: `glrt-${name.replaceAll('-', '').padEnd(9, 'x')}${CANARY}`,
    url: 'https://gitlab.test/',
    executor: 'shell',
    more: '',
    ...over,
  };
}

export function configText(
  entries: readonly Entry[],
  globals = 'concurrent = 4\ncheck_interval = 3\n',
): string {
  const tables = entries.map(
    ({ name, token, url, executor, more }) => `
[[runners]]
  name = "${name}"
  url = "${url}"
  token = "${token}"
  executor = "${executor}"
  builds_dir = "/builds"
  cache_dir = "/cache"
${more}
`,
  );
  return `${globals}${tables.join('')}`;
}
