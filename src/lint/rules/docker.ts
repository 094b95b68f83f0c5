/** [runners.docker]: how the runner reaches Docker, what its jobs may do, and keys that contradict each other. */
import { DOCKER_EXECUTORS } from '../../config/runner/executors.ts';
import { volumeOf } from '../../config/runner/value-forms.ts';
import { extendRule } from '../constraint-rules.ts';
import type { FileFact, LintContext } from '../context.ts';
import { asRunnerSees, isAllowed } from '../named-files.ts';
import type { Section } from '../parsed-config.ts';
import type { Rule } from '../rule.ts';
import { perEntryOf } from '../rule.ts';
import type { Found, TextItem } from '../values.ts';
import { bytesOf, filledAt, flagAt, tableAt, textsAt } from '../values.ts';
import type { Violation } from '../violation.ts';
import { atItem, atKey, atTable, atValue, quote, replacement } from '../violation.ts';

const TLS_PORT = ':2376';

const key = (name: string): string => `runners.docker.${name}`;

/** Asks about entries whose jobs run in Docker, and that have the table. */
function docker(
  check: (section: Section, context: LintContext) => Iterable<Violation>,
): Rule['check'] {
  return perEntryOf(DOCKER_EXECUTORS, (section, context) =>
    tableAt(section.table, 'docker') === undefined ? [] : check(section, context),
  );
}

function volumes({ table }: Section): readonly TextItem[] {
  return textsAt(table, 'docker', 'volumes');
}

const WINDOWS_CACHE = String.raw`c:\cache`;

function cacheFolderOf({ table, executor }: Section): string {
  const byDefault = executor === 'docker-windows' ? WINDOWS_CACHE : '/cache';
  return filledAt(table, 'cache_dir')?.value ?? byDefault;
}

/** On Windows a path has a colon of its own, and the case does not count. */
function isCacheVolume(text: string, section: Section): boolean {
  const own = cacheFolderOf(section);
  if (section.executor === 'docker-windows')
    return `${text.toLowerCase().replaceAll('/', '\\')}:`.includes(`${own.toLowerCase()}:`);
  return `${own}/`.startsWith(`${volumeOf(text)?.target ?? '-'}/`);
}

export const DOCKER_RULES: readonly Rule[] = [
  {
    code: 'D04',
    name: 'swap-below-memory',
    severity: 'warning',
    title: '`memory_swap` is below `memory`',
    consequence: 'It is the sum of memory and swap: Docker refuses to create the container.',
    fix: 'Set it to at least the value of `memory`.',
    check: docker(({ table }) =>
      (['', 'service_'] as const).flatMap((who) => {
        const memory = bytesOf(table, 'docker', `${who}memory`);
        const swap = bytesOf(table, 'docker', `${who}memory_swap`);
        if (memory === undefined || swap === undefined || swap.value >= memory.value) return [];
        const message = `${who}memory_swap is below ${who}memory`;
        return [atValue(swap.entry, message, { key: key(`${who}memory_swap`) })];
      }),
    ),
  },
  {
    code: 'D06',
    name: 'pull-policy-not-allowed',
    severity: 'error',
    effect: 'jobs',
    title: '`pull_policy` is not in `allowed_pull_policies`',
    consequence: 'Every job fails with a configuration error.',
    fix: 'Add the policy to `allowed_pull_policies`, or set one that is in it.',
    check: docker(({ table }) => {
      const [first, ...rest] = textsAt(table, 'docker', 'allowed_pull_policies');
      const own = textsAt(table, 'docker', 'pull_policy');
      const used = own.length === 0 ? ['always'] : own.map(({ text }) => text);
      if (first === undefined || [first, ...rest].some(({ text }) => used.includes(text)))
        return [];
      const message = `pull_policy ${quote('policy', used.join(', '))} is not in allowed_pull_policies`;
      return [atItem(own[0]?.value ?? first.value, message, { key: key('pull_policy') })];
    }),
  },
  {
    code: 'D09',
    name: 'docker-host-unusable',
    severity: 'error',
    effect: 'jobs',
    title: 'The runner cannot connect to Docker at `host`',
    consequence: 'Every job fails when its environment is prepared, after three attempts.',
    fix: 'Write the socket with its scheme, unix:///var/run/docker.sock, and give the user of the runner access to it.',
    needs: ['files'],
    check: docker(({ table }, context) => {
      const found = filledAt(table, 'docker', 'host');
      return found === undefined ? [] : hostViolations(found, context);
    }),
  },
  {
    code: 'D11',
    name: 'docker-tls-incomplete',
    severity: 'error',
    effect: 'jobs',
    title: 'The TLS settings for Docker are incomplete',
    consequence: 'Every job fails when its environment is prepared.',
    fix: 'Set `tls_verify = true`, and `tls_cert_path` to a directory with ca.pem, cert.pem and key.pem.',
    needs: ['files'],
    check: docker(tlsViolations),
  },
  {
    code: 'D12',
    name: 'docker-open-to-all',
    severity: 'warning',
    title: 'The runner connects to Docker over the network without TLS',
    consequence: 'Every client that can connect to this port has root access to that host.',
    fix: 'Use TLS on port 2376, or a socket.',
    check: docker(({ table }) => {
      const host = filledAt(table, 'docker', 'host');
      const isPlain = /^(?:tcp|http):\/\//.test(host?.value ?? '');
      const isSafe = flagAt(table, 'docker', 'tls_verify')?.value === true;
      if (host === undefined || !isPlain || isSafe || host.value.endsWith(TLS_PORT)) return [];
      return [atValue(host.entry, 'host is used without TLS', { key: key('host') })];
    }),
  },
  {
    code: 'D13',
    name: 'volume-invalid',
    severity: 'error',
    effect: 'jobs',
    title: 'A volume cannot be parsed, is mounted at /, or is mounted twice',
    consequence: 'Every job fails.',
    fix: 'Write "/host/path:/path:ro", "name:/path" or "/path", with absolute paths.',
    check: docker((section) =>
      section.executor === 'docker-windows' ? [] : volumeFaults(section),
    ),
  },
  {
    code: 'D14',
    name: 'no-cache',
    severity: 'warning',
    title: 'No cache: neither a volume for /cache nor [runners.cache]',
    consequence: 'Jobs share no cache.',
    fix: 'Add "/cache" to `volumes`, or configure [runners.cache].',
    check: docker((section) => {
      const below = tableAt(section.table, 'docker')?.value;
      const isDistributed = filledAt(section.table, 'cache', 'Type') !== undefined;
      const isOff = flagAt(section.table, 'docker', 'disable_cache')?.value === true;
      const isMounted = volumes(section).some(({ text }) => isCacheVolume(text, section));
      if (below === undefined || isDistributed || isMounted || isOff) return [];
      return [
        atTable(below, `${section.label} has no cache`, {
          key: key('volumes'),
          corrected: `volumes = [${JSON.stringify(cacheFolderOf(section))}]`,
        }),
      ];
    }),
  },
  {
    code: 'D15',
    name: 'jobs-own-the-host',
    severity: 'warning',
    title: 'Jobs can control this host: Docker socket or privileged mode',
    consequence: 'Everyone who can edit a pipeline has root access to this host.',
    fix: 'Remove it, or restrict it with `allowed_privileged_images` and to trusted projects.',
    check: docker((section) => {
      const privileged = flagAt(section.table, 'docker', 'privileged');
      const isLimited = textsAt(section.table, 'docker', 'allowed_privileged_images').length > 0;
      const sockets = volumes(section).filter(
        ({ text }) =>
          /^(?:\/var)?\/run\/(?:docker\.sock)?:/.test(text) || /docker\.sock:/.test(text),
      );
      return [
        ...(privileged?.value === true && !isLimited
          ? [atKey(privileged.entry, 'every job runs privileged', { key: key('privileged') })]
          : []),
        ...sockets.map(({ value }) =>
          atItem(value, 'the Docker socket is mounted into jobs', { key: key('volumes') }),
        ),
      ];
    }),
  },
  extendRule('D16', { needs: ['files'], check: docker(seccompFaults) }),
  {
    code: 'D19',
    name: 'cache-turned-off',
    severity: 'warning',
    title: '`disable_cache` is on, and a cache is configured',
    consequence: 'Volumes without a source, and `cache_dir`, are not kept between jobs.',
    fix: 'Remove `disable_cache`, or the cache.',
    check: docker((section) => {
      const found = flagAt(section.table, 'docker', 'disable_cache');
      const hasCache =
        filledAt(section.table, 'cache_dir') !== undefined ||
        filledAt(section.table, 'docker', 'cache_dir') !== undefined ||
        volumes(section).some(({ text }) => volumeOf(text)?.source === undefined);
      if (found?.value !== true || !hasCache) return [];
      const message = 'disable_cache turns off the cache that this entry configures';
      return [atKey(found.entry, message, { key: key('disable_cache') })];
    }),
  },
  {
    code: 'D21',
    name: 'user-not-allowed',
    severity: 'warning',
    title: '`user` is not in `allowed_users`',
    consequence: 'Every job fails.',
    fix: 'Add the user to `allowed_users`.',
    check: docker(({ table }) => {
      const user = filledAt(table, 'docker', 'user');
      const allowed = textsAt(table, 'docker', 'allowed_users').map(({ text }) => text);
      if (user === undefined || allowed.length === 0 || allowed.includes(user.value)) return [];
      const message = `user ${quote('user', user.value)} is not in allowed_users`;
      return [atValue(user.entry, message, { key: key('user') })];
    }),
  },
];

function hostViolations(found: Found<string>, context: LintContext): readonly Violation[] {
  const say = (message: string, more: Partial<Violation> = {}): readonly Violation[] => [
    atValue(found.entry, message, { key: key('host'), ...more }),
  ];
  const fault = hostFault(found.value);
  if (fault !== undefined) {
    const isPath = found.value.startsWith('/');
    return say(
      `host ${quote('host', found.value)} ${fault}`,
      isPath ? replacement(found.entry, `unix://${found.value}`) : {},
    );
  }
  const socket = /^unix:\/\/(?<path>\/.+)$/.exec(found.value)?.groups?.['path'];
  const fact = socket === undefined ? undefined : context.files?.stat(socket);
  const why = fact === undefined ? undefined : socketFault(fact, context);
  return why === undefined ? [] : say(why);
}

/** Why the Docker client cannot use a `host`. */
function hostFault(text: string): string | undefined {
  if (/^(?:unix|npipe):\/\/.+/.test(text)) return undefined;
  if (/^(?:tcp|https?):\/\/[^/\s]+/.test(text)) return undefined;
  if (text.startsWith('ssh://')) return 'starts with ssh://, which the runner does not support';
  return 'has no scheme that the Docker client supports';
}

function socketFault(fact: FileFact, { process }: LintContext): string | undefined {
  if (fact.kind === 'unknown') return undefined;
  if (fact.kind === 'missing') return 'the socket in host does not exist';
  if (fact.kind !== 'socket') return 'the path in host is not a socket';
  const isDenied = process !== undefined && isAllowed(fact, process, 'write') === false;
  return isDenied ? `uid ${process.uid} has no access to the socket in host` : undefined;
}

function tlsViolations({ table }: Section, context: LintContext): readonly Violation[] {
  const host = filledAt(table, 'docker', 'host');
  const verify = flagAt(table, 'docker', 'tls_verify');
  if (host === undefined || !/^(?:tcp|https):/.test(host.value)) return [];
  if (verify?.value !== true) {
    if (!host.value.endsWith(TLS_PORT)) return [];
    const more = { key: key('tls_verify'), corrected: 'tls_verify = true' };
    const message = 'Docker expects TLS on port 2376, and tls_verify is off';
    return [atValue(verify?.entry ?? host.entry, message, more)];
  }
  const path = filledAt(table, 'docker', 'tls_cert_path');
  const folder = path === undefined ? undefined : asRunnerSees(path.value, context);
  if (path === undefined || folder === undefined) return [];
  return ['ca.pem', 'cert.pem', 'key.pem']
    .filter((name) => context.files?.stat(`${folder}/${name}`)?.kind === 'missing')
    .map((name) =>
      atValue(path.entry, `tls_cert_path contains no ${name}`, { key: key('tls_cert_path') }),
    );
}

function volumeFaults(section: Section): readonly Violation[] {
  const seen = new Set<string>();
  const more = { key: key('volumes') };
  return volumes(section).flatMap(({ text, value }) => {
    const target = volumeOf(text)?.target.replace(/(?<=.)\/+$/, '');
    if (target === undefined)
      return [atItem(value, `volume ${quote('volumes', text)} cannot be parsed`, more)];
    if (target === '/') return [atItem(value, 'a volume is mounted at /', more)];
    if (seen.has(target))
      return [atItem(value, `two volumes are mounted at ${quote('volumes', target)}`, more)];
    seen.add(target);
    return [];
  });
}

/** `seccomp=FILE` must exist, and be JSON. */
function seccompFaults({ table }: Section, context: LintContext): readonly Violation[] {
  return ['security_opt', 'services_security_opt'].flatMap((name) =>
    textsAt(table, 'docker', name).flatMap(({ text, value }) => {
      const file = /^seccomp[=:](?<file>.+)$/.exec(text)?.groups?.['file'];
      if (file === undefined || file === 'unconfined') return [];
      const path = asRunnerSees(file, context);
      const fact = path === undefined ? undefined : context.files?.read(path);
      if (fact === undefined || fact.kind === 'unknown') return [];
      if (fact.kind === 'missing')
        return [atItem(value, 'the seccomp profile does not exist', { key: key(name) })];
      return fact.content === undefined || isJson(fact.content)
        ? []
        : [atItem(value, 'the seccomp profile is not JSON', { key: key(name) })];
    }),
  );
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
