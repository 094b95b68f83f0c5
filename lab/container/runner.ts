/**
 * The lab's runner in a container of a real engine, started as GitLab's documentation has it. Beside what the row gives
 * it, it has one more mount: the program of the lab.
 */
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { quoteArgument } from '../../src/core/shell.ts';
import { logLine } from '../peers/runner-log.ts';
import type { RunnerStandInOptions } from '../peers/runner-options.ts';
import { OPTIONS_VARIABLE } from '../peers/runner-options.ts';
import type { LabRunner } from '../peers/runner.ts';
import { STAND_IN } from '../peers/runner.ts';
import type { Engine } from './engine.ts';
import { IMAGE } from './image.ts';

const REPOSITORY = join(import.meta.dirname, '../..');
const PAUSE_MILLISECONDS = 20;

export interface ContainerOptions {
  readonly name: string;
  /** What is mounted at /etc/gitlab-runner: a folder of the host, or the name of a volume. */
  readonly volume: string;
  /** Its files are mounted each by itself instead. */
  readonly mountsFiles?: boolean;
  /** `--network host`; none for a bridge. */
  readonly network: readonly string[];
  /** Further options of `run`. */
  readonly options: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

export interface ContainerRunner extends LabRunner {
  /** Of its container. */
  readonly name: string;
  /** Makes its container anew, with these options instead of its own. */
  recreate(...options: readonly string[]): Promise<void>;
  /** The same for one in which no runner comes up. */
  recreateBroken(...options: readonly string[]): Promise<void>;
}

const ORDER: RunnerStandInOptions = {
  root: '/',
  config: '/etc/gitlab-runner/config.toml',
  format: 'runner',
  checkSeconds: 2,
  unhealthySeconds: 60,
};

export async function startContainerRunner(
  engine: Engine,
  given: ContainerOptions,
): Promise<ContainerRunner> {
  const { name } = given;
  let pid = 0;
  let isAltered = false;
  let kept = '';
  const run = async (other: Partial<ContainerOptions> = {}): Promise<void> => {
    await engine.run(`rm -f ${name} 2>&-; true`);
    await engine.run(runWords({ ...given, ...other }));
  };
  const create = async (other: Partial<ContainerOptions> = {}): Promise<void> => {
    await run(other);
    pid = await processOf(engine, name);
  };
  const log = async (): Promise<string> => {
    kept = await engine.run(`logs ${name} 2>&1`).catch(() => kept);
    return kept;
  };
  await create();
  return {
    name,
    log,
    pid: () => pid,
    signal: (signal) => void process.kill(pid, signal),
    recreate: async (...options) => {
      isAltered = true;
      await create({ options });
    },
    recreateBroken: async (...options) => {
      isAltered = true;
      await run({ options });
    },
    restart: async (environment) => {
      if (environment === undefined) {
        await engine.run(`restart -t 5 ${name}`);
        pid = await processOf(engine, name);
        return;
      }
      isAltered = true;
      await create({ environment });
    },
    stop: async () => void (await engine.run(`stop -t 5 ${name}`)),
    twin: () => Promise.reject(new Error('a second runner is a second container')),
    appendLog: async (level, message, fields = {}) => {
      const line = logLine(ORDER.format, level, message, fields, new Date());
      await appendFile(`/proc/${pid}/fd/2`, `${line}\n`);
    },
    restore: async () => {
      const state = await stateOf(engine, name);
      if (isAltered || state !== 'running') await create();
      isAltered = false;
    },
    [Symbol.asyncDispose]: async () => void (await engine.run(`rm -f ${name} 2>&-; true`)),
  };
}

const FOLDER = '/etc/gitlab-runner';
const FILES = ['config.toml', '.runner_system_id'];

function mountsOf({ volume, mountsFiles = false }: ContainerOptions): readonly string[] {
  return mountsFiles
    ? FILES.map((file) => `${volume}/${file}:${FOLDER}/${file}`)
    : [`${volume}:${FOLDER}`];
}

function runWords(given: ContainerOptions): string {
  const { name, network, options, environment } = given;
  const variables = {
    NODE_OPTIONS: `--import=${STAND_IN}`,
    [OPTIONS_VARIABLE]: JSON.stringify(ORDER),
    ...environment,
  };
  const set = Object.entries(variables).map(
    ([key, value]) => `-e ${quoteArgument(`${key}=${value}`)}`,
  );
  const mounts = [...mountsOf(given), `${REPOSITORY}:${REPOSITORY}:ro`];
  const words = [
    `run -d --name ${name} --restart always`,
    ...mounts.map((mount) => `-v ${mount}`),
    ...set,
    ...network,
    ...options,
    IMAGE,
  ];
  return words.join(' ');
}

/** `running`, `exited`, …; nothing without a container. */
export async function stateOf(engine: Engine, name: string): Promise<string> {
  const words = `inspect -f '{{.State.Status}}' ${name} 2>&- || true`;
  return (await engine.run(words)).trim();
}

/** The runner's, once its entrypoint has become it; what the engine names is the first process of the container. */
async function processOf(engine: Engine, name: string): Promise<number> {
  for (;;) {
    const first = Number((await engine.run(`inspect -f '{{.State.Pid}}' ${name}`)).trim());
    const children = await readFile(`/proc/${first}/task/${first}/children`, 'utf8').catch(
      () => '',
    );
    for (const child of children.trim().split(' ').filter(Boolean)) {
      const line = await readFile(`/proc/${child}/cmdline`, 'utf8').catch(() => '');
      if (line.startsWith('gitlab-runner\0')) return Number(child);
    }
    await delay(PAUSE_MILLISECONDS);
  }
}
