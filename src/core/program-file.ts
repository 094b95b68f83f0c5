/** Files of this program that are started by their name: threads and child processes. */

/** `name` beside the module that asks: sources are .ts files, built ones .js. */
export function fileBeside(moduleUrl: string, name: string): URL {
  const extension = moduleUrl.endsWith('.ts') ? '.ts' : '.js';
  return new URL(`./${name}${extension}`, moduleUrl);
}
