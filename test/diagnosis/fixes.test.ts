/**
 * What a cause asks people to type (docs/reference/promises.md#what-it-never-does): no step that makes things
 * worse, and no value of the outside that the shell would run. A real shell runs every command, in front of
 * stand-ins.
 */
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { FixStep } from '../../src/core/diagnosis.ts';
import { catalogue } from '../../src/diagnosis/catalogue/index.ts';
import type { FactName } from '../../src/diagnosis/catalogue/facts.ts';
import type { CauseContext, CauseSpec } from '../../src/diagnosis/cause-spec.ts';
import { contextOf, PLACEHOLDERS } from '../../src/diagnosis/cause-spec.ts';
import { HOST_PATHS } from '../../src/core/paths.ts';
import { placeOnHost } from '../../src/host/place/on-host.ts';
import { PACKAGED_PLACE } from '../../src/host/place/packaged.ts';
import { runnerFiles } from '../../src/host/place/runner-files.ts';

const NORMAL = contextOf(
  {
    host: 'gitlab.example.com',
    port: '443',
    url: 'https://gitlab.example.com/',
    config: '/etc/gitlab-runner/config.toml',
    settings: '/etc/runnerwatch/runnerwatch.toml',
    hasOtherProxies: false,
    firstHop: { host: 'gitlab.example.com', port: '443' },
    place: PACKAGED_PLACE,
    name: 'docker-1',
    runner: 't9Wkyj-HG',
    executor: 'docker',
  },
  {},
);

/** Every value tries to end its argument with another syntax, and to create a file. */
const EVIL = `x y"$(: >owned-1)\`: >owned-2\`';: >owned-3;'\n: >owned-4 #|: >owned-5&`;
const HOSTILE_PLACE = placeOnHost({
  manager: { kind: 'systemd', unit: EVIL },
  paths: HOST_PATHS,
  user: { name: EVIL },
  program: EVIL,
  files: runnerFiles(`/etc/${EVIL}`, `/etc/${EVIL}`, `/home/${EVIL}`),
  host: { hasSystemd: true },
  engines: { dockerUnit: EVIL, hasPodmanUnit: true },
});
const HOSTILE: CauseContext = {
  ...contextOf(
    {
      host: EVIL,
      port: EVIL,
      url: EVIL,
      config: `/etc/${EVIL}`,
      settings: `/etc/${EVIL}`,
      hasOtherProxies: false,
      firstHop: { host: 'gitlab.example.com', port: '443' },
      place: HOSTILE_PLACE,
      name: EVIL,
      runner: EVIL,
      executor: EVIL,
    },
    {},
  ),
  fact: () => EVIL,
  optional: (name) => (name === 'ca_file_configured' ? 'false' : EVIL),
};

const MAY_REPLACE = new Set(['token-rejected', 'runner-orphaned']);

function commandsOf(spec: CauseSpec, context: CauseContext): readonly string[] {
  return spec.fix(context).flatMap(({ command }) => command ?? []);
}

describe.each([
  ['placeholders', PLACEHOLDERS],
  ['real values', NORMAL],
  ['hostile values', HOSTILE],
])('with %s', (_kind, context) => {
  const fixes = catalogue.map((spec): [string, readonly FixStep[]] => [spec.id, spec.fix(context)]);

  test.each(fixes)('%s says what to do, and nothing that makes it worse', (id, fix) => {
    const text = fix.map((step) => `${step.text} ${step.command ?? ''}`).join('\n');
    const [first] = fix;

    expect(fix.length).toBeGreaterThan(0);
    expect(text).not.toMatch(
      /--registration-token|verify --delete|docker system prune -a|--volumes/,
    );
    expect(text).not.toMatch(
      /(?:disable|skip|turn off)[^.]*(?:verif|TLS)|tls_verify|insecure|curl -k/i,
    );
    const start = MAY_REPLACE.has(id) ? '' : `${first?.text} ${first?.command}`;
    expect(start).not.toMatch(/unregister|re-register|\bdelete\b/i);
    expect(text).not.toMatch(/undefined|\[object/);
  });
});

const valueOf = (name: FactName): string => `the-${name}`;

test('no fix leaves a value out: with real facts nothing reads “unknown”', () => {
  const known: CauseContext = { ...NORMAL, fact: valueOf, optional: valueOf };
  const texts = catalogue.map((spec) => [spec.id, spec.says(known), ...commandsOf(spec, known)]);

  expect(texts.filter((args) => args.slice(1).some((word) => /unknown|NaN/.test(word)))).toEqual(
    [],
  );
});

interface StandIns {
  readonly folder: string;
  readonly path: string;
  readonly log: string;
}

/** A folder of stand-ins for the programs that a command calls; each writes its arguments down, NUL between them. */
async function makeStandIns(programs: readonly string[]): Promise<StandIns> {
  const folder = await mkdtemp(join(tmpdir(), 'runnerwatch-fix-'));
  const path = join(folder, 'bin');
  const log = join(folder, 'arguments');
  await mkdir(path);
  for (const program of programs) {
    const file = join(path, program);
    await writeFile(file, `#!/bin/sh\nprintf '%s\\0' "$@" >>'${log}'\n`);
    await chmod(file, 0o755);
  }
  return { folder, path, log };
}

const PROGRAMS =
  'apt-get awk cat chmod cp curl date df dig dirname docker du findmnt free getent gitlab-ctl gitlab-runner grep head id install ip journalctl kill kubectl ls mkdir mount mtr namei nft nstat openssl pgrep ping ps runnerwatch sort ss sudo sudoedit sysctl systemctl tail tee timedatectl traceroute umount useradd uniq uptime wc'.split(
    ' ',
  );

let standIns: StandIns;
beforeAll(async () => {
  standIns = await makeStandIns(PROGRAMS);
});
afterAll(async () => await rm(standIns.folder, { recursive: true }));

test.each(catalogue.map((spec) => [spec.id, spec] as const))(
  'the shell takes every value of %s as data',
  async (_id, spec) => {
    const { path, log } = standIns;
    await writeFile(log, '');
    const folder = await mkdtemp(join(standIns.folder, 'shell-'));
    try {
      for (const command of commandsOf(spec, HOSTILE)) {
        const args = ['--noprofile', '--norc', '-c', command];
        // A stand-in may leave the next program without input; what counts is what was run, and how.
        const shell = promisify(execFile)('/bin/bash', args, {
          cwd: folder,
          env: { PATH: path },
        });
        // A command that asks for a value gets none.
        shell.child.stdin?.end();
        const output = await shell.then(
          ({ stderr }) => stderr,
          (error: unknown) => String(error),
        );
        expect(output).not.toMatch(/syntax error|command not found|unexpected/);
      }
      const left = await readdir(folder);
      const given = (await readFile(log, 'utf8')).split('\0');

      expect(left.filter((name) => name.startsWith('owned'))).toEqual([]);
      // Where a hostile value arrives, it arrives whole.
      expect(given.filter((word) => word.includes('owned') && !word.includes(EVIL))).toEqual([]);
    } finally {
      await rm(folder, { recursive: true });
    }
  },
);
