/**
 * Proxy settings in files of this host. They are evidence of what was intended: the running process reads none of
 * these files, and systemd passes only some of them to it at its start: docs/reference/runner.md#environment.
 */

import type { Paths } from '../../core/paths.ts';
import { DOCKER_UNITS } from '../place/engine.ts';
import { readDockerProxies } from '../docker/proxies.ts';
import type { Assignment } from '../systemd/unit-files.ts';
import { readEnvironmentFile, readUnitFiles, unitEnvironment } from '../systemd/unit-files.ts';
import { namesIn, readTextIn } from '../fs/in-root.ts';

/** One place, with the proxy variables that it sets; the values may hold passwords. */
export interface ProxyHint {
  /** `/etc/environment:3`: the line of the proxy itself. */
  readonly source: string;
  /** True for a setting for the runner or for the whole host; false for the proxy of another program. */
  readonly isForRunner: boolean;
  /** The runner uses it, but its own NO_PROXY exempts GitLab. */
  readonly isExempt?: true;
  readonly variables: Readonly<Record<string, string>>;
}

const NAMES = /^(?:https?|no|all)_proxy$/i;
const PROFILE_FOLDER = '/etc/profile.d';
const APT_FOLDER = '/etc/apt/apt.conf.d';

/** Every hint, those for the runner first. Files that cannot be read are left out. */
export async function readProxyHints(
  unit: string | undefined,
  paths: Paths,
): Promise<readonly ProxyHint[]> {
  const [own, docker, dockerFiles, general, profiles, apt] = await Promise.all([
    unit === undefined ? [] : unitHints(unit, paths, true),
    Promise.all(DOCKER_UNITS.map((one) => unitHints(one, paths, false))),
    readDockerProxies(paths),
    fileHint('/etc/environment', paths),
    folderOf(PROFILE_FOLDER, paths).then((files) =>
      Promise.all(files.map((file) => fileHint(file, paths))),
    ),
    aptHints(paths),
  ]);
  const others = dockerFiles.map((one) => ({ ...one, isForRunner: false }));
  return [...own, ...general, ...profiles.flat(), ...docker.flat(), ...others, ...apt];
}

/** What systemd would give the unit at its next start, all variables; undefined without a unit. */
export async function readUnitEnvironment(
  unit: string,
  paths: Paths,
): Promise<Readonly<Record<string, string>> | undefined> {
  const files = await readUnitFiles(unit, paths);
  if (files.length === 0) return undefined;
  const found = await unitEnvironment(files, paths);
  return Object.fromEntries(found.map(({ variable, value }) => [variable, value]));
}

async function unitHints(
  unit: string,
  paths: Paths,
  isForRunner: boolean,
): Promise<readonly ProxyHint[]> {
  const found = await unitEnvironment(await readUnitFiles(unit, paths), paths);
  return hintOf(found, isForRunner);
}

async function fileHint(path: string, paths: Paths): Promise<readonly ProxyHint[]> {
  return hintOf(await readEnvironmentFile(path, paths), true);
}

function hintOf(all: readonly Assignment[], isForRunner: boolean): readonly ProxyHint[] {
  const found = all.filter(({ variable }) => NAMES.test(variable));
  const first = found.find(({ variable }) => !/^no_/i.test(variable)) ?? found[0];
  if (first === undefined) return [];
  const variables = Object.fromEntries(found.map(({ variable, value }) => [variable, value]));
  return [{ source: `${first.file}:${first.line}`, isForRunner, variables }];
}

const APT_LINE = /^\s*Acquire::(?<scheme>https?)::[Pp]roxy\s+"(?<value>[^"]+)"/;

/** `Acquire::http::Proxy "http://proxy:3128";`: apt uses the one for http for https too. */
async function aptHints(paths: Paths): Promise<readonly ProxyHint[]> {
  const files = ['/etc/apt/apt.conf', ...(await folderOf(APT_FOLDER, paths))];
  const hints = await Promise.all(
    files.map(async (path) => {
      const text = await readTextIn(paths, path).catch(() => '');
      return text.split('\n').flatMap((line, index): readonly ProxyHint[] => {
        const value = APT_LINE.exec(line)?.groups?.['value'];
        if (value === undefined || value === 'DIRECT') return [];
        const variables = { HTTP_PROXY: value, HTTPS_PROXY: value };
        return [{ source: `${path}:${index + 1}`, isForRunner: false, variables }];
      });
    }),
  );
  return hints.flat();
}

async function folderOf(folder: string, paths: Paths): Promise<readonly string[]> {
  const names = await namesIn(paths, folder).catch(() => []);
  return names.toSorted((a, b) => (a < b ? -1 : 1)).map((name) => `${folder}/${name}`);
}
