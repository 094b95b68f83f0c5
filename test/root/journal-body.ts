/** What runs inside the namespace: a real journald, a unit that writes to it, and the watch that reads it. */
import type { ChildProcess } from 'node:child_process';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, readdir, readFile } from 'node:fs/promises';
import { mkdirSync, rmdirSync } from 'node:fs';

import { systemClock } from '../../src/core/clock.ts';
import { HOST_PATHS } from '../../src/core/paths.ts';
import { RunnerLogWatch } from '../../src/runner/log/log-watch.ts';
import { inColours } from '../support/runner-lines.ts';
import { patient, until } from '../support/until.ts';

const CGROUPS = '/sys/fs/cgroup';

export interface JournalStory {
  /** Numbers of the lines that were read, in their order. */
  readonly read: readonly number[];
  readonly kinds: readonly string[];
  readonly state: string;
}

/** Lines are written before the watch, after it, over a rotation, and while its journalctl is dead. */
export async function followJournal(unit: string): Promise<JournalStory> {
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', '/run']);
  execFileSync('mount', ['-t', 'cgroup2', 'cgroup2', CGROUPS]);
  mkdirSync('/run/systemd/journal', { recursive: true });
  const journald = spawn('/usr/lib/systemd/systemd-journald', { stdio: 'ignore' });
  await until(() => isThere('/run/systemd/journal/stdout'));
  const group = `${CGROUPS}/system.slice/${unit}`;
  mkdirSync(group, { recursive: true });
  const writer = startUnit(group);
  const say = (number: number): void => void writer.stdin?.write(`${lineOf(number)}\n`);
  say(1);
  execFileSync('journalctl', ['--sync']);
  const watch = new RunnerLogWatch(systemClock, { onEvent: () => {} });
  try {
    watch.follow({ log: { kind: 'journal', unit }, paths: HOST_PATHS }, []);
    await waitForLines(watch, 1);
    say(2);
    await waitForLines(watch, 2);
    journald.kill('SIGUSR2');
    say(3);
    await waitForLines(watch, 3);
    const [child] = await childrenOf(process.pid, 'journalctl');
    process.kill(child ?? 0, 'SIGKILL');
    say(4);
    await waitForLines(watch, 4);
    return await storyOf(watch);
  } finally {
    watch.stop();
    await waitForEnd(writer);
    await waitForEnd(journald);
    rmdirSync(group);
  }
}

function lineOf(number: number): string {
  const fields = { runner: 'abc12defg', status: `${number} EOF` };
  return inColours({ level: 'warning', message: 'Checking for jobs... failed', fields });
}

/** Everything it is given goes to the journal as the output of the unit. */
function startUnit(group: string): ChildProcess {
  const script = `echo $$ > ${group}/cgroup.procs; exec systemd-cat -t gitlab-runner cat`;
  return spawn('bash', ['-c', script], { stdio: ['pipe', 'ignore', 'inherit'] });
}

async function waitForLines(watch: RunnerLogWatch, count: number): Promise<void> {
  await until(() => watch.lastLines('abc12defg').length === count);
}

async function storyOf(watch: RunnerLogWatch): Promise<JournalStory> {
  const { events } = await watch.read(patient());
  await until(async () => (await watch.read(patient())).state === 'reading');
  return {
    read: watch
      .lastLines('abc12defg')
      .map(({ text }) => Number(/status=(?<number>\d+)/.exec(text)?.groups?.['number'])),
    kinds: events.map(({ kind, count }) => `${kind} ${count}`),
    state: 'reading',
  };
}

async function childrenOf(parent: number, name: string): Promise<readonly number[]> {
  const names = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry));
  const found = await Promise.all(
    names.map(async (entry) => {
      const stat = await readFile(`/proc/${entry}/stat`, 'utf8').catch(() => '');
      return stat.includes(`(${name})`) && stat.includes(`) S ${parent} `) ? Number(entry) : 0;
    }),
  );
  return found.filter((pid) => pid > 0);
}

async function isThere(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}

async function waitForEnd(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}
