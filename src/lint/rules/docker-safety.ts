/** Volumes, rights, services and images of [runners.docker]: docs/reference/runner-config.md#docker. */
import { volumeOf } from '../docker-values.ts';
import type { Section } from '../parsed-config.ts';
import type { Rule } from '../rule.ts';
import type { TextItem } from '../values.ts';
import { filledAt, flagAt, tableAt, textsAt } from '../values.ts';
import { atItem, atKey, atTable, shown } from '../violation.ts';
import { docker, dockerKey as key } from './docker-table.ts';

function volumes({ table }: Section): readonly TextItem[] {
  return textsAt(table, 'docker', 'volumes');
}

export const DOCKER_SAFETY_RULES: readonly Rule[] = [
  {
    code: 'D13',
    name: 'volume-invalid',
    severity: 'error',
    effect: 'jobs',
    title: 'A volume cannot be read, is the root, or is mounted twice',
    consequence: 'Every job fails.',
    fix: 'Write "/host/path:/path:ro", "name:/path" or "/path", with whole paths.',
    check: docker((section) => {
      if (section.executor === 'docker-windows') return [];
      const seen = new Set<string>();
      return volumes(section).flatMap(({ text, value }) => {
        const volume = volumeOf(text);
        const target = volume?.target.replace(/(?<=.)\/+$/, '');
        const isTwice = target !== undefined && seen.has(target);
        if (target !== undefined) seen.add(target);
        const more = { key: key('volumes') };
        if (target === undefined)
          return [atItem(value, `the volume ${shown('volumes', text)} cannot be read`, more)];
        if (target === '/') return [atItem(value, 'a volume is mounted at the root', more)];
        return isTwice
          ? [atItem(value, `two volumes are mounted at ${shown('volumes', target)}`, more)]
          : [];
      });
    }),
  },
  {
    code: 'D14',
    name: 'no-cache',
    severity: 'warning',
    title: 'There is neither a volume for /cache nor a distributed cache',
    consequence: 'Jobs keep nothing for each other.',
    fix: 'Add "/cache" to `volumes`, or a [runners.cache].',
    check: docker((section) => {
      const below = tableAt(section.table, 'docker')?.value;
      const hasType = filledAt(section.table, 'cache', 'Type') !== undefined;
      const own = filledAt(section.table, 'cache_dir')?.value ?? '/cache';
      const has = volumes(section).some(({ text }) =>
        `${own}/`.startsWith(`${volumeOf(text)?.target ?? '-'}/`),
      );
      if (
        below === undefined ||
        hasType ||
        has ||
        flagAt(section.table, 'docker', 'disable_cache')?.value === true
      )
        return [];
      return [
        atTable(below, `${section.label} has no cache`, {
          key: key('volumes'),
          corrected: 'volumes = ["/cache"]',
        }),
      ];
    }),
  },
  {
    code: 'D15',
    name: 'jobs-own-the-host',
    severity: 'warning',
    title: 'Jobs are given the host: Docker’s socket, or all privileges',
    consequence: 'Whoever may change a pipeline is root on this host.',
    fix: 'Remove it, or limit it with `allowed_privileged_images` and to trusted projects.',
    check: docker((section) => {
      const privileged = flagAt(section.table, 'docker', 'privileged');
      const isLimited = textsAt(section.table, 'docker', 'allowed_privileged_images').length > 0;
      const sockets = volumes(section).filter(
        ({ text }) =>
          /^(?:\/var)?\/run\/(?:docker\.sock)?:/.test(text) || /docker\.sock:/.test(text),
      );
      return [
        ...(privileged?.value === true && !isLimited
          ? [
              atKey(privileged.entry, 'every job runs with all privileges', {
                key: key('privileged'),
              }),
            ]
          : []),
        ...sockets.map(({ value }) =>
          atItem(value, 'jobs are given Docker’s socket', { key: key('volumes') }),
        ),
      ];
    }),
  },
  {
    code: 'D19',
    name: 'cache-turned-off',
    severity: 'warning',
    title: '`disable_cache` stands beside a cache',
    consequence: 'Volumes without a source, and `cache_dir`, are not kept.',
    fix: 'Remove `disable_cache`, or the cache.',
    check: docker((section) => {
      const found = flagAt(section.table, 'docker', 'disable_cache');
      const expects =
        filledAt(section.table, 'cache_dir') !== undefined ||
        filledAt(section.table, 'docker', 'cache_dir') !== undefined ||
        volumes(section).some(({ text }) => volumeOf(text)?.source === undefined);
      if (found?.value !== true || !expects) return [];
      return [
        atKey(found.entry, 'disable_cache turns off the cache that is set up here', {
          key: key('disable_cache'),
        }),
      ];
    }),
  },
  {
    code: 'D20',
    name: 'volumes-kept',
    severity: 'warning',
    title: 'Volumes of jobs are kept for ever',
    consequence: 'The disk fills up; the runner warns of it in every job.',
    fix: 'Remove `volume_keep`, or prune volumes by a timer.',
    check: docker(({ table }) => {
      const found = flagAt(table, 'docker', 'volume_keep');
      return found?.value === true
        ? [atKey(found.entry, 'volumes of jobs are never removed', { key: key('volume_keep') })]
        : [];
    }),
  },
];
