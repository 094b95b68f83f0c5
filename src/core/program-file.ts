/** Files of this program that are started by path: threads and child processes. */

/** `name` in the folder of the calling module: sources are .ts files, built files .js. */
export function fileBeside(moduleUrl: string, name: string): URL {
  const extension = moduleUrl.endsWith('.ts') ? '.ts' : '.js';
  return new URL(`./${name}${extension}`, moduleUrl);
}
