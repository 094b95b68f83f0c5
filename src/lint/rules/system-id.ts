/** Rules about the id by which GitLab tells one host of a runner from another. */
import { createHmac } from 'node:crypto';
import { dirname, join } from 'node:path';

import { isSystemId } from '../../gitlab/token.ts';
import type { LintContext } from '../context.ts';
import { isThere } from '../named-files.ts';
import type { Rule } from '../rule.ts';

const MACHINE_IDS = ['/var/lib/dbus/machine-id', '/etc/machine-id'];
/** A host may get both files within one start. */
const OLDER_MILLISECONDS = 3_600_000;

export const SYSTEM_ID_RULES: readonly Rule[] = [
  {
    code: 'F05',
    name: 'system-id-of-another-host',
    severity: 'warning',
    title: 'The system id is not the one of this host',
    consequence: 'Two hosts share one runner manager in GitLab, and show up as one.',
    fix: 'Remove .runner_system_id and restart the runner.',
    needs: ['files', 'process'],
    check: (_file, context) =>
      isForeign(context) ? [{ message: '.runner_system_id was not made on this host' }] : [],
  },
  {
    code: 'F11',
    name: 'system-id-older-than-host',
    severity: 'warning',
    title: 'The system id is older than the identity of this host',
    consequence: 'It came with an image: every machine made from it is one and the same to GitLab.',
    fix: 'Give this host a system id of its own, and take the file out of the image.',
    needs: ['files', 'process'],
    check: (_file, context) =>
      isForeign(context) && isOlder(context)
        ? [{ message: '.runner_system_id is older than /etc/machine-id, and was not made here' }]
        : [],
  },
];

function idFileOf({ configPath, files }: LintContext) {
  return configPath === undefined
    ? undefined
    : files?.read(join(dirname(configPath), '.runner_system_id'));
}

function isForeign(context: LintContext): boolean {
  const file = idFileOf(context);
  const text = isThere(file) ? (file.content ?? '').trim() : '';
  const own = systemIdOf(context);
  return text.startsWith('s_') && own !== undefined && isSystemId(text) && text !== own;
}

function isOlder(context: LintContext): boolean {
  const file = idFileOf(context);
  const machine = context.files?.stat('/etc/machine-id');
  if (!isThere(file) || !isThere(machine)) return false;
  return machine.modifiedAt - file.modifiedAt > OLDER_MILLISECONDS;
}

/** `s_` and 12 digits out of the machine id, as the runner makes it. */
function systemIdOf({ files }: LintContext): string | undefined {
  const ids = MACHINE_IDS.map((path) => files?.read(path));
  if (ids.includes(undefined)) return undefined;
  const id = ids
    .map((fact) => (isThere(fact) ? (fact.content ?? '').trim() : ''))
    .find((text) => text !== '');
  if (id === undefined) return undefined;
  return `s_${createHmac('sha256', id).update('gitlab-runner').digest('hex').slice(0, 12)}`;
}
