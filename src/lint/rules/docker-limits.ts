/** Sizes, pulls and hosts of [runners.docker]. */
import { PULL_POLICIES, pullPolicyMeant } from '../docker-values.ts';
import type { Rule } from '../rule.ts';
import { bytesOf, filledAt, rationalOf, sizeOf, tableAt, textAt, textsAt } from '../values.ts';
import { atItem, atTable, atValue, lineOf, shown } from '../violation.ts';
import { docker, dockerKey as key } from './docker-table.ts';

const SIZES = [
  'memory',
  'memory_swap',
  'memory_reservation',
  'service_memory',
  'service_memory_swap',
  'service_memory_reservation',
] as const;
/** Docker's own least. */
const LEAST_BYTES = 6 * 2 ** 20;

export const DOCKER_LIMIT_RULES: readonly Rule[] = [
  {
    code: 'D01',
    name: 'memory-unreadable',
    severity: 'error',
    effect: 'run',
    title: 'A size of memory cannot be read, or is negative',
    consequence:
      'The whole runner process ends when the first container is made, and every job with it.',
    fix: 'Write a number with a unit: "512m", "4g".',
    check: docker(({ table }) =>
      SIZES.flatMap((name) => {
        const found = filledAt(table, 'docker', name);
        if (found === undefined || sizeOf(found.value) !== undefined) return [];
        const number = /^\s*(?<number>\d+)\s*(?<unit>[kmgt])/i.exec(found.value)?.groups;
        const right =
          number === undefined
            ? '4g'
            : `${number['number'] ?? ''}${(number['unit'] ?? '').toLowerCase()}`;
        return [
          atValue(found.entry, `${name} ${shown(name, found.value)} is no size`, {
            key: key(name),
            corrected: lineOf(name, right),
          }),
        ];
      }),
    ),
  },
  {
    code: 'D02',
    name: 'memory-tiny',
    severity: 'error',
    effect: 'jobs',
    title: 'A size of memory is tiny, often for want of a unit',
    consequence:
      'Without a unit it counts bytes: Docker refuses the container, and every job fails.',
    fix: 'Add the unit: "4g".',
    check: docker(({ table }) =>
      SIZES.flatMap((name) => {
        const found = bytesOf(table, 'docker', name);
        if (found === undefined || found.value >= LEAST_BYTES || found.value === 0) return [];
        const text = textAt(table, 'docker', name)?.value.trim() ?? '';
        return [
          atValue(found.entry, `${name} is ${found.value} bytes`, {
            key: key(name),
            ...(/^\d{1,3}$/.test(text) ? { corrected: `${name} = "${text}g"` } : {}),
          }),
        ];
      }),
    ),
  },
  {
    code: 'D03',
    name: 'cpus-unreadable',
    severity: 'error',
    effect: 'jobs',
    title: 'A number of processors cannot be read',
    consequence: 'Every job fails before its container starts.',
    fix: 'Write a number as a text: "2", "1.5" or "1/2".',
    check: docker(({ table }) =>
      (['cpus', 'service_cpus'] as const).flatMap((name) => {
        const found = filledAt(table, 'docker', name);
        if (found === undefined || rationalOf(found.value) !== undefined) return [];
        return [
          atValue(found.entry, `${name} ${shown(name, found.value)} is no number`, {
            key: key(name),
            corrected: `${name} = "2"`,
          }),
        ];
      }),
    ),
  },
  {
    code: 'D04',
    name: 'swap-below-memory',
    severity: 'warning',
    title: '`memory_swap` is below `memory`',
    consequence: 'It counts memory and swap together: Docker refuses the container.',
    fix: 'Write at least the value of `memory`.',
    check: docker(({ table }) =>
      (['', 'service_'] as const).flatMap((who) => {
        const memory = bytesOf(table, 'docker', `${who}memory`);
        const swap = bytesOf(table, 'docker', `${who}memory_swap`);
        if (memory === undefined || swap === undefined || swap.value >= memory.value) return [];
        return [
          atValue(swap.entry, `${who}memory_swap is below ${who}memory`, {
            key: key(`${who}memory_swap`),
          }),
        ];
      }),
    ),
  },
  {
    code: 'D05',
    name: 'pull-policy-unknown',
    severity: 'error',
    effect: 'jobs',
    title: 'There is no such pull policy',
    consequence: 'Every job fails when its image is to be pulled, after three tries.',
    fix: `Write ${PULL_POLICIES.join(', ')}, in small letters.`,
    check: docker(({ table }) =>
      (['pull_policy', 'allowed_pull_policies'] as const).flatMap((name) =>
        textsAt(table, 'docker', name)
          .filter(({ text }) => !PULL_POLICIES.includes(text))
          .map(({ text, value }) => {
            const meant = pullPolicyMeant(text);
            const more =
              meant === undefined
                ? {}
                : {
                    corrected: `"${meant}"`,
                    edits: [{ from: value.place, to: value.end, text: `"${meant}"` }],
                  };
            return atItem(value, `the pull policy ${shown('policy', text)} does not exist`, {
              key: key(name),
              ...more,
            });
          }),
      ),
    ),
  },
  {
    code: 'D06',
    name: 'pull-policy-not-allowed',
    severity: 'error',
    effect: 'jobs',
    title: 'No `pull_policy` is among `allowed_pull_policies`',
    consequence: 'Every job fails as wrongly configured.',
    fix: 'Allow the policy, or choose one that is allowed.',
    check: docker(({ table }) => {
      const allowed = textsAt(table, 'docker', 'allowed_pull_policies').map(({ text }) => text);
      const own = textsAt(table, 'docker', 'pull_policy');
      const used = own.length === 0 ? ['always'] : own.map(({ text }) => text);
      const [first] = textsAt(table, 'docker', 'allowed_pull_policies');
      if (first === undefined || used.some((one) => allowed.includes(one))) return [];
      return [
        atItem(
          own[0]?.value ?? first.value,
          `the pull policy ${shown('policy', used.join(', '))} is not allowed`,
          { key: key('pull_policy') },
        ),
      ];
    }),
  },
  {
    code: 'D07',
    name: 'images-not-renewed',
    severity: 'warning',
    title: 'Images that are there are not asked for again',
    consequence:
      'Jobs run on old images, and may use private images that others pulled, without the right to.',
    fix: 'Use "always", unless the entry serves one trusted project.',
    check: docker(({ table }) => {
      const [first] = textsAt(table, 'docker', 'pull_policy');
      if (first === undefined || !['never', 'if-not-present'].includes(first.text)) return [];
      return [
        atItem(
          first.value,
          `pull_policy ${shown('policy', first.text)} takes images as they lie there`,
          { key: key('pull_policy') },
        ),
      ];
    }),
  },
  {
    code: 'D08',
    name: 'image-empty',
    severity: 'warning',
    title: 'There is no default image',
    consequence: 'Jobs that name no image fail.',
    fix: 'Set `image`.',
    check: docker(({ table, label }) => {
      const found = textAt(table, 'docker', 'image');
      const below = tableAt(table, 'docker')?.value;
      if (below === undefined || (found !== undefined && found.value !== '')) return [];
      const more = { key: key('image'), corrected: 'image = "alpine:3.22"' };
      return [
        found === undefined
          ? atTable(below, `${label} has no default image`, more)
          : atValue(found.entry, 'image is empty', more),
      ];
    }),
  },
];
