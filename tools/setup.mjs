/**
 * Installs what a task of this project needs, then returns: npm packages from the lockfile, Debian packages
 * by apt when root, else it prints the command to type. Run by `npm run demo`, `npm run build` and `npm test`;
 * does nothing when all is there. Plain JavaScript that runs on Node 20, since Node 26 comes with the npm packages.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { NEEDED } from './debian-packages.mjs';

const ROOT = join(import.meta.dirname, '..');
const STAMP = join(ROOT, 'node_modules', '.installed-lockfile');
const PROGRAM_FOLDERS = [
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/sbin',
  '/usr/lib/systemd',
  '/usr/bin',
  '/sbin',
  '/bin',
];
const LIBRARY_FOLDERS = ['/lib', '/usr/lib', '/usr/local/lib'];
/** While it exists Debian's packages start no service: the tests start their own. */
const SERVICE_POLICY = '/usr/sbin/policy-rc.d';

/** @param {string} text */
function say(text) {
  process.stderr.write(`setup: ${text}\n`);
}

/** @param {string} text @returns {never} */
function fail(text) {
  process.stderr.write(`setup: ${text}\n`);
  process.exit(1);
}

/** @param {string} command @param {readonly string[]} words @param {Record<string, string>} [more] */
function run(command, words, more = {}) {
  const { status, error } = spawnSync(command, words, {
    cwd: ROOT,
    stdio: ['ignore', 2, 2],
    env: { ...process.env, ...more },
  });
  return error === undefined && status === 0;
}

function installNpmPackages() {
  const wanted = createHash('sha256')
    .update(readFileSync(join(ROOT, 'package-lock.json')))
    .digest('hex');
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wanted) return;
  say('installing the npm packages of package-lock.json');
  const words = [
    'ci',
    '--include=dev',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--prefer-offline',
  ];
  const isDone = run('npm', [...words, '--loglevel=error']);
  if (!isDone)
    fail('npm ci failed; its message is above. Check the network and run the command again.');
  writeFileSync(STAMP, wanted);
}

/** @param {string} name */
function isLibrary(name) {
  return LIBRARY_FOLDERS.some(
    (folder) =>
      existsSync(join(folder, name)) ||
      (existsSync(folder) &&
        readdirSync(folder, { withFileTypes: true }).some(
          (entry) => entry.isDirectory() && existsSync(join(folder, entry.name, name)),
        )),
  );
}

/** @param {string} name */
function isProgram(name) {
  const folders = [...(process.env.PATH ?? '').split(':'), ...PROGRAM_FOLDERS];
  return folders.some((folder) => existsSync(join(folder, name)));
}

/** @param {string} task */
function installDebianPackages(task) {
  const missing = (NEEDED[task] ?? []).filter(
    ({ proof }) => !(proof.includes('.so.') ? isLibrary(proof) : isProgram(proof)),
  );
  if (missing.length === 0) return;
  const names = missing.map(({ name }) => name);
  const install = ['install', '--yes', '--no-install-recommends', ...names];
  const typed = `apt-get update && apt-get ${install.join(' ')}`;
  const reasons = missing.map(({ name, why }) => `${name} (${why})`).join(', ');
  if (process.getuid?.() !== 0) fail(`missing ${reasons}. Type: sudo sh -c '${typed}'`);
  say(`installing ${reasons}`);
  const isOurPolicy = !existsSync(SERVICE_POLICY);
  if (isOurPolicy) writeFileSync(SERVICE_POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    const more = { DEBIAN_FRONTEND: 'noninteractive' };
    const isDone =
      run('apt-get', ['update', '-q'], more) && run('apt-get', ['-q', ...install], more);
    if (!isDone) fail(`apt-get failed; its message is above. To try by hand: ${typed}`);
  } finally {
    if (isOurPolicy) rmSync(SERVICE_POLICY, { force: true });
  }
}

const task = process.argv[2] ?? '';
if (!Object.hasOwn(NEEDED, task))
  fail(`expected one of ${Object.keys(NEEDED).join(', ')}, found "${task}"`);
installNpmPackages();
installDebianPackages(task);
