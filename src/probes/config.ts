/**
 * Would the runner load its config.toml as it is on disk, and does it have entries?
 *
 * Source    The reading made by config/ every few seconds; where it holds no entry, the other usual places.
 * Measures  problems, runners (count).
 * Reasons   missing, empty, syntax-error, type-error, invalid-value, concurrent-zero, no-runners, not-a-file,
 *           entries-elsewhere, denied-to-runner (by mode bits, for the runner's user), replaced-on-host (by device and
 *           inode, of a file that is mounted into its container by itself), not-registered (in a pod).
 * Unknown   unreadable: this daemon may not read it, the runner may; too-large; waiting-for-registration.
 */
import { Absences } from '../core/absences.ts';
import { CHANGES_OF_CONFIG } from '../core/change.ts';
import type { Fact, Finding } from '../core/finding.ts';
import type { Paths } from '../core/paths.ts';
import type { Place, ReplacedFile } from '../core/place.ts';
import type { Tools } from '../core/probe.ts';
import { defineProbe } from '../core/probe.ts';
import { leadToCauses } from '../core/reason.ts';
import type { Credentials, FoundBy, Problem } from '../core/reading.ts';
import { credentialsOf } from '../core/reading.ts';
import type { ConfigTarget } from '../core/target.ts';
import { plainIdOf } from '../core/target.ts';
import { findOtherConfigFile } from '../host/fs/other-config-files.ts';
import { denialOf } from '../host/fs/rights.ts';

const REASONS = {
  ...leadToCauses(
    'missing',
    'not-a-file',
    'empty',
    'syntax-error',
    'type-error',
    'invalid-value',
    'concurrent-zero',
    'no-runners',
    'entries-elsewhere',
    'denied-to-runner',
    'replaced-on-host',
    'unreadable',
    'not-registered',
  ),
  'waiting-for-registration': {
    kind: 'unseen',
    meaning:
      'config.toml has no entry yet: what starts the runner registers it first, which the official chart tries for some minutes.',
    action: 'Wait; the log of the runner shows the tries.',
  },
  'too-large': {
    kind: 'unseen',
    meaning: 'The file is larger than runnerwatch reads.',
    action: 'Check that it is the right file.',
  },
} as const;

type Reason = keyof typeof REASONS;
type Facts = Readonly<Record<string, Fact>>;

/** Problems with which the runner takes no jobs from this file. */
const WITHOUT_ENTRIES: ReadonlySet<Reason> = new Set<Reason>(['missing', 'not-a-file', 'empty']);

/** Problems that say nothing about the runner itself. */
const BLIND: ReadonlySet<Reason> = new Set<Reason>(['unreadable', 'too-large']);

/** Problems that a file has before its first registration. */
const BEFORE_ENTRIES: ReadonlySet<Reason> = new Set<Reason>(['missing', 'empty', 'no-runners']);

/**
 * The official chart tries 30 times and waits 5 s after each; a try at a GitLab that does not answer takes as long as a
 * connection may.
 */
const REGISTRATION_SECONDS = 600;

export function createConfig() {
  const waiting = new Absences();
  return defineProbe({
    id: 'config',
    title: 'config.toml',
    question:
      'Can the runner load config.toml as it is on disk, and does the file have runner entries?',
    kind: 'config',
    changedBy: CHANGES_OF_CONFIG,
    needs: [],
    intervalSeconds: 5,
    timeoutSeconds: 5,
    options: {},
    reasons: REASONS,
    measures: {
      problems: { help: 'Problems that prevent config.toml from loading.' },
      runners: { help: 'Number of [[runners]] entries in config.toml.' },
    },

    async run(target, _options, tools) {
      const finding = await findingOf(target, tools);
      const { place, clock } = tools;
      const reason = finding.status === 'fail' ? finding.reason : undefined;
      const waits =
        place.registersItself === true && reason !== undefined && BEFORE_ENTRIES.has(reason);
      const seconds = waiting.secondsOf(place.id, !waits, clock);
      return waits ? { ...finding, ...beforeEntries(place, seconds) } : finding;
    },
  });
}

export const config = createConfig();

function beforeEntries({ files }: Place, seconds: number) {
  const detail = `${files.config} has no [[runners]] yet`;
  return seconds < REGISTRATION_SECONDS
    ? ({
        status: 'unknown',
        reason: 'waiting-for-registration',
        detail: `${detail}: the runner is being registered`,
      } as const)
    : ({
        status: 'fail',
        reason: 'not-registered',
        detail: `${detail}, after ${Math.round(seconds / 60)} minutes`,
      } as const);
}

async function findingOf(
  target: ConfigTarget,
  { paths, process, place }: Tools,
): Promise<Finding<Reason, 'problems' | 'runners'>> {
  const { problems, runnerCount, foundBy } = target.reading;
  const measures = {
    problems: problems.length,
    ...(runnerCount === undefined ? {} : { runners: runnerCount }),
  };
  const [first] = problems;
  if (first !== undefined) {
    const reason = reasonOf(first);
    const facts = { ...factsOf(first), problems: problems.length, found_by: foundBy };
    const elsewhere = WITHOUT_ENTRIES.has(reason) ? await elsewhereOf(target, place) : undefined;
    if (elsewhere !== undefined) return { ...elsewhere, measures };
    const status = BLIND.has(reason) ? 'unknown' : 'fail';
    return { status, reason, detail: detailOf(problems), measures, facts };
  }
  const file = plainIdOf(target);
  const facts = { file, problems: 0, found_by: foundBy };
  const denied = await denialTo(credentialsOf(process), file, { paths, facts });
  if (denied !== undefined) return { ...denied, measures };
  if (runnerCount === 0) {
    const elsewhere = await elsewhereOf(target, place);
    if (elsewhere !== undefined) return { ...elsewhere, measures };
    return { status: 'fail', reason: 'no-runners', detail: noRunners(target), measures, facts };
  }
  const replaced = await place.replacedOnHost?.(file);
  return replaced === undefined
    ? { status: 'pass', measures, facts }
    : { ...replacement(file, replaced, facts), measures };
}

async function denialTo(
  credentials: Credentials | undefined,
  file: string,
  { paths, facts }: { readonly paths: Paths; readonly facts: Facts },
) {
  const denied = await denialOf(file, ['read'], credentials, paths);
  if (denied === undefined) return undefined;
  const uid = credentials?.uid ?? 0;
  const detail = `the runner's user ${uid} has no permission to read ${file}: ${denied} denies it`;
  const about = { ...facts, uid, denied };
  return { status: 'fail', reason: 'denied-to-runner', detail, facts: about } as const;
}

function replacement(file: string, { source, isThere }: ReplacedFile, facts: Facts) {
  const now = isThere
    ? `another file has taken the place of ${source} on the host`
    : `${source} is gone from the host`;
  const detail = `${file} is mounted into the container by itself, and ${now}: the runner has the one that was there when its container started`;
  const about = { ...facts, mounted_file: source, ...(isThere ? { is_there: true } : {}) };
  return { status: 'warn', reason: 'replaced-on-host', detail, facts: about } as const;
}

/** The runner was registered into a file that no process reads. */
async function elsewhereOf(target: ConfigTarget, { paths, unseen, registersItself }: Place) {
  if (unseen !== undefined || registersItself === true) return undefined;
  const id = plainIdOf(target);
  const { foundBy } = target.reading;
  const meant = await findOtherConfigFile(id, paths);
  if (meant === undefined) return undefined;
  const detail = `the runner reads ${id} (${HOW_FOUND[foundBy]}), which has no runner entry; ${meant} has some, but no process reads it`;
  const facts = { file: id, read: id, meant, found_by: foundBy };
  return { status: 'fail', reason: 'entries-elsewhere', detail, facts } as const;
}

function reasonOf({ code }: Problem): Reason {
  return Object.hasOwn(REASONS, code) ? (code as Reason) : 'syntax-error';
}

/** `/etc/…/config.toml:12:8: …; 2 more. Write …` */
export function detailOf(problems: readonly Problem[]): string {
  const [first] = problems;
  if (first === undefined) return '';
  const parts = [first.file, first.line, first.column].filter((part) => part !== undefined);
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
  // A problem of the whole file has the path in its message.
  const where = first.line === undefined ? '' : `${parts.join(':')}: `;
  return `${where}${first.message}${more}. ${first.fix}`;
}

const HOW_FOUND: Readonly<Record<FoundBy, string>> = {
  flag: 'from --runner.config',
  'process-argument': "from the runner's command line",
  'process-environment': "from CONFIG_FILE in the runner's environment",
  default: 'default path',
};

function noRunners(target: ConfigTarget): string {
  const id = plainIdOf(target);
  const { reading } = target;
  return `${id} (${HOW_FOUND[reading.foundBy]}) has no [[runners]], so this runner takes no jobs`;
}

function factsOf(problem: Problem): Record<string, string | number> {
  const { file, line, column, key, expected, found, corrected, fix } = problem;
  const members = { file, line, column, key, expected, found, corrected, fix };
  return Object.fromEntries(
    Object.entries(members).filter(
      (pair): pair is [string, string | number] => pair[1] !== undefined,
    ),
  );
}
