/** The fixes of every cause for a runner in a container: its engine's commands, and paths as the host sees them. */
import { spawnSync } from 'node:child_process';

import { describe, expect, test } from 'vitest';

import type {
  ComposeService,
  Container,
  ContainerManager,
  ContainerUnit,
} from '../../src/core/container.ts';
import { HOST_PATHS } from '../../src/core/paths.ts';
import type { Place } from '../../src/core/place.ts';
import type { CauseContext } from '../../src/diagnosis/cause-spec.ts';
import {
  openFirewall,
  openForMonitor,
  SHOW_BLOCKING_RULES,
} from '../../src/diagnosis/catalogue/firewall.ts';
import { catalogue } from '../../src/diagnosis/catalogue/index.ts';
import { diagnose } from '../../src/diagnosis/diagnose.ts';
import { parseMountInfo } from '../../src/host/fs/mounts.ts';
import { placeInContainer } from '../../src/host/place/in-container.ts';
import { placeOnHost } from '../../src/host/place/on-host.ts';
import { contextAt, HOLE } from '../support/fix-context.ts';
import { runnerProcess } from '../support/runner-process.ts';
import { fail, GITLAB, snapshotOf } from '../support/snapshots.ts';
import { FIRST, inPlace } from '../support/two-installations.ts';

const CONFIG = '/etc/gitlab-runner/config.toml';
const ON_HOST = parseMountInfo('22 1 8:1 / / rw - ext4 /dev/sda1 rw');
const INSIDE = parseMountInfo(
  [
    '60 1 0:90 / / rw - overlay overlay rw',
    '61 60 8:1 /srv/runner /etc/gitlab-runner rw - ext4 /dev/sda1 rw',
    '62 60 8:1 /run/docker.sock /run/docker.sock rw - ext4 /dev/sda1 rw',
  ].join('\n'),
);

function placeOf(container: Container, isRunning = true): Place {
  return placeInContainer({
    container,
    started: runnerProcess({ pid: 812, container, network: { pid: 812, inode: 7 } }),
    isRunning,
    closed: undefined,
    configPath: CONFIG,
    user: 'root',
    logFile: undefined,
    paths: HOST_PATHS,
    mounts: { inside: INSIDE, onHost: ON_HOST },
    realPaths: { real: new Map([['/var/run', '/run']]), refuted: new Set() },
    services: {
      host: { hasSystemd: true, packageManager: 'apt-get' },
      engines: { dockerUnit: 'docker', hasPodmanUnit: true },
    },
    isBeside: false,
  });
}

const NAME = 'runner-1';
const COMPOSE: ComposeService = {
  kind: 'compose',
  program: 'docker compose',
  project: 'ci',
  service: 'runner',
  directory: '/srv/c i',
  files: ['/srv/c i/compose.yml', '/srv/more.yml'],
  environmentFiles: ['/srv/c i/.env'],
  isHere: true,
};
const QUADLET: ContainerUnit = {
  kind: 'unit',
  unit: 'ci.service',
  quadlet: '/etc/containers/systemd/ci.container',
  makesContainer: true,
};

/** One that a program has made. */
function madeBy(engine: 'docker' | 'podman', manager: ContainerManager): Place {
  const socket = engine === 'docker' ? '/var/run/docker.sock' : '/run/podman/podman.sock';
  return placeOf({ id: `${engine}:${NAME}`, engine, name: NAME, socket, manager });
}

const KINDS: readonly (readonly [title: string, place: Place, restarts: RegExp])[] = [
  [
    'Docker',
    placeOf({ id: `docker:${NAME}`, engine: 'docker', name: NAME, socket: '/var/run/docker.sock' }),
    /^sudo docker restart runner-1$/,
  ],
  [
    'Docker, while it does not run',
    placeOf({ id: `docker:${NAME}`, engine: 'docker', name: NAME }, false),
    /^sudo docker restart runner-1$/,
  ],
  [
    'podman',
    placeOf({ id: `podman:${NAME}`, engine: 'podman', name: NAME }),
    /^sudo podman restart runner-1$/,
  ],
  [
    'a cluster',
    placeOf({ id: 'containerd:0a1b', engine: 'containerd', name: '0a1b' }),
    /^sudo crictl stop 0a1b$/,
  ],
  ['no engine', placeOf({ id: 'container:/srv/jail', name: '/srv/jail' }), /^sudo kill 812 /],
  [
    'compose',
    madeBy('docker', COMPOSE),
    /^sudo docker compose -p ci --project-directory '\/srv\/c i' -f '\/srv\/c i\/compose.yml' -f \/srv\/more.yml --env-file '\/srv\/c i\/.env' restart runner$/,
  ],
  [
    'compose, its file elsewhere',
    madeBy('docker', { ...COMPOSE, isHere: false }),
    /^sudo docker compose -p ci restart runner$/,
  ],
  [
    'compose of the first version, its file elsewhere',
    madeBy('docker', { ...COMPOSE, program: 'docker-compose', isHere: false }),
    /^sudo docker restart runner-1$/,
  ],
  [
    'podman-compose',
    madeBy('podman', { ...COMPOSE, program: 'podman-compose', files: ['/srv/compose.yml'] }),
    /^sudo podman-compose -p ci -f \/srv\/compose.yml .*restart runner$/,
  ],
  [
    'a swarm',
    madeBy('docker', { kind: 'swarm', service: 'ci_runner', stack: 'ci', isManager: true }),
    /^sudo docker service update --force ci_runner$/,
  ],
  [
    'a swarm that another host manages',
    madeBy('docker', { kind: 'swarm', service: 'ci_runner', isManager: false }),
    /^sudo docker service update --force ci_runner {3}# on a manager of the swarm$/,
  ],
  ['a quadlet', madeBy('podman', QUADLET), /^sudo systemctl restart ci$/],
  [
    'a unit that makes the container',
    madeBy('podman', { kind: 'unit', unit: 'ci.service', makesContainer: true }),
    /^sudo systemctl restart ci$/,
  ],
  [
    'a unit that starts the container',
    madeBy('podman', { kind: 'unit', unit: 'ci.service', makesContainer: false }),
    /^sudo systemctl restart ci$/,
  ],
];
/** Those of containers that a program makes anew. */
const MADE = new Map(KINDS.map(([title, place]) => [title, place]));

function madePlace(title: string): Place {
  const place = MADE.get(title);
  if (place === undefined) throw new Error(`no place ${title}`);
  return place;
}

/** Commands of a runner on the host, and paths that mean another file there. */
const FOREIGN =
  /(?:systemctl|service|journalctl)[^;&|]* gitlab-runner|nohup|(?<=^| )'?\/etc\/gitlab-runner/;
/** These run in the container. */
const INSIDE_IT = / exec | --all -- | --mount-rm /;

/** The network of every place of this file. */
const ENTERS = /^sudo nsenter --target 812 --net sh -c /;
const FIREWALL =
  /\b(?:nft|ip6?tables(?:-\w+)?|ufw|firewall-cmd|fail2ban-client)\b|net\.ipv4\.ip_local_port_range/;

/** All that is of a firewall and does not enter the network; what only shows the host's rules may, or the GitLab server's. */
function ofTheHost(commands: readonly string[]): readonly string[] {
  return commands.filter(
    (command) =>
      FIREWALL.test(command) &&
      !ENTERS.test(command) &&
      command !== SHOW_BLOCKING_RULES &&
      !command.includes('gitlab-ctl'),
  );
}

const RULES: readonly Readonly<Record<string, string | undefined>>[] = [
  { rule_program: 'nft' },
  { rule_program: 'nft', handle: undefined },
  { rule_program: 'nft', handle: undefined, of_answer: 'true' },
  { rule_program: 'iptables-legacy' },
  { rule_program: 'iptables-nft', rule_arguments: undefined },
  { rule_program: 'ip6tables', rule_copies: undefined, table: 'mangle' },
  { rule: undefined },
  ...['ufw', 'firewalld', 'fail2ban', 'kubernetes'].map((rule_manager) => ({ rule_manager })),
];

function withFacts(
  place: Place,
  facts: Readonly<Record<string, string | undefined>>,
): CauseContext {
  const context = contextAt(place);
  return {
    ...context,
    fact: (name) => facts[name] ?? context.fact(name),
    optional: (name) => (name in facts ? facts[name] : context.optional(name)),
  };
}

describe.each(KINDS)('%s', (_title, place, restarts) => {
  test('is restarted by its engine', () => {
    expect(place.commands.restart).toMatch(restarts);
  });

  test.each(catalogue.map((spec) => [spec.id, spec] as const))(
    '%s: every command fits, and no step has a hole',
    (_id, spec) => {
      const steps = spec.fix(contextAt(place));
      const commands = steps.flatMap(({ command }) => command ?? []);
      const own = commands.filter((command) => !/systemctl \w+ runnerwatch\b/.test(command));

      expect(own.filter((command) => FOREIGN.test(command) && !INSIDE_IT.test(command))).toEqual(
        [],
      );
      expect(ofTheHost(own)).toEqual([]);
      const texts = [...own, ...steps.map(({ text }) => text)];
      expect(texts.filter((text) => HOLE.test(text))).toEqual([]);
    },
  );

  test('a shell can read every command', () => {
    const commands = catalogue.flatMap((spec) =>
      spec.fix(contextAt(place)).flatMap(({ command }) => command ?? []),
    );
    const script = commands.map((command) => `f() {\n:\n${command}\n}`).join('\n');
    const { status, stderr } = spawnSync('sh', ['-n'], { input: script, encoding: 'utf8' });

    expect([status, stderr]).toEqual([0, '']);
  });

  test.each(RULES)('the rule of %o is changed in its own network alone', (facts) => {
    const context = withFacts(place, facts);
    const steps = [...openFirewall(context), ...openForMonitor(context)];
    const commands = steps.flatMap(({ command }) => command ?? []);

    expect(commands.filter((command) => !ENTERS.test(command))).toEqual([]);
    // Of one that has ended there is no network to enter.
    expect(commands.length > 0).toBe(ENTERS.test(place.inNetwork('true')));
  });

  test.each([
    'firewall-local-block',
    'monitor-blocked',
    'network-no-route',
    'ephemeral-ports-exhausted',
  ])('%s: its network is not that of this host', (id) => {
    const spec = catalogue.find((one) => one.id === id);
    const said = RULES.map((facts) =>
      spec?.says(withFacts(place, { responder: undefined, ...facts })),
    );

    expect(said.filter((text) => /this host/.test(text ?? 'this host'))).toEqual([]);
  });
});

const VALUE = `http://u:a b'c"$x%@proxy:3128`;
const IN_YAML = String.raw`"http://u:a b'c\"$$x%@proxy:3128"`;
const IN_UNIT = String.raw`'Environment="HTTPS_PROXY=http://u:a b'\''c\"$x%%@proxy:3128"'`;
const IN_SHELL = String.raw`'HTTPS_PROXY=http://u:a b'\''c"$x%@proxy:3128'`;

test.each([
  [
    'compose',
    `environment: { HTTPS_PROXY: ${IN_YAML} }`,
    [expect.stringMatching(/^sudoedit '\/srv\/c i/), expect.stringMatching(/ up -d runner$/)],
  ],
  ['compose, its file elsewhere', `environment: { HTTPS_PROXY: ${IN_YAML} }`, []],
  [
    'a swarm',
    'file of the stack ci',
    [`sudo docker service update --env-add ${IN_SHELL} ci_runner`],
  ],
  [
    'a quadlet',
    '/etc/containers/systemd/ci.container, from which ci.service is generated',
    [
      `printf '%s\\n' '[Container]' ${IN_UNIT} | sudo tee -a /etc/containers/systemd/ci.container`,
      'sudo systemctl daemon-reload && sudo systemctl restart ci',
    ],
  ],
  [
    'a unit that makes the container',
    'In ci.service: add -e HTTPS_PROXY=',
    ['sudo systemctl edit --full ci.service', 'sudo systemctl restart ci'],
  ],
  [
    'a unit that starts the container',
    'a restart is not enough',
    [expect.stringMatching(/inspect/)],
  ],
])('an environment of %s is changed where it is made', (title, says, expected) => {
  const steps = madePlace(title).commands.setEnvironment('Set it.', { HTTPS_PROXY: VALUE });

  expect(steps.map(({ text }) => text).join(' ')).toContain(says);
  expect(steps.flatMap(({ command }) => command ?? [])).toEqual(expected);
});

const CONTEXT = (title: string) => contextAt(madePlace(title));
const fixOf = (id: string, title: string) =>
  catalogue.find((spec) => spec.id === id)?.fix(CONTEXT(title)) ?? [];

test.each([
  ['compose', / up -d --force-recreate runner$/],
  ['a swarm', /^sudo docker service update --force ci_runner$/],
  ['a quadlet', /^sudo systemctl restart ci$/],
])('a removed container of %s is made again by what made it', (title, expected) => {
  expect(fixOf('container-removed', title)[0]?.command).toMatch(expected);
});

test.each([
  ['compose', 'extra_hosts of the service runner in /srv/c i/compose.yml'],
  ['a swarm', '--host-rm of docker service update ci_runner'],
  ['a quadlet', 'AddHost= in /etc/containers/systemd/ci.container'],
  ['a unit that makes the container', '--add-host of podman run in ci.service'],
  ['Docker', '--add-host where the container is made'],
  ['a cluster', 'hostAliases of its pod'],
])('a line of /etc/hosts in %s is removed where it stays removed', (title, expected) => {
  const [shown, ...others] = fixOf('dns-hosts-override-stale', title);

  expect(shown?.command).toContain('grep');
  expect(others.map(({ text }) => text).join(' ')).toContain(expected);
});

test.each([
  ['compose', 'restart: unless-stopped'],
  ['a quadlet', 'Restart=always'],
  ['a unit that makes the container', 'Restart=always below [Service]'],
  ['Docker', '--restart unless-stopped'],
])('the restart policy of %s is set where it stays', (title, expected) => {
  const steps = fixOf('container-stopped', title);

  expect(JSON.stringify(steps)).toContain(expected);
});

test.each(['compose', 'a swarm', 'a quadlet'])(
  'more memory of %s holds for the next container',
  (title) => {
    const steps = madePlace(title).commands.raiseLimit('Raise it.', 'memory', 2 ** 32);

    expect(steps[0]?.command).toMatch(/^sudo \w+ update --memory 8G --memory-swap -1 runner-1$/);
    expect(
      steps
        .slice(1)
        .map(({ text, command = '' }) => text + command)
        .join(' '),
    ).toMatch(/mem_limit: 8G|--limit-memory 8G|PodmanArgs=--memory 8G/);
  },
);

test('a runner on the host may have a network of its own too', () => {
  const there = placeOnHost({
    manager: { kind: 'systemd', unit: 'gitlab-runner.service' },
    paths: { ...HOST_PATHS, network: { pid: 812, inode: 7 } },
    program: 'gitlab-runner',
    user: { name: 'root', uid: 0 },
    host: { hasSystemd: true },
    engines: { dockerUnit: 'docker', hasPodmanUnit: false },
  });

  expect(openFirewall(withFacts(there, { handle: '4' })).at(-1)?.command).toMatch(ENTERS);
});

test('a firewall of the host itself is changed there, by its manager where it has one', () => {
  const context = withFacts(FIRST, { rule_manager: 'ufw', chain: 'ufw-user-output' });
  const commands = openFirewall(context).flatMap(({ command }) => command ?? []);

  expect(commands[0]).toBe('sudo ufw status numbered');
});

test('a step names the path on the host, and that in the container', () => {
  const [, place] = KINDS[0] ?? [];
  if (place === undefined) throw new Error('no place');
  const snapshot = inPlace(snapshotOf({ [`dns@${GITLAB}`]: fail('not-found') }), place);
  const [cause] = diagnose(snapshot).causes;

  expect(cause?.fix.map(({ text }) => text).join(' ')).toContain(
    `/srv/runner/config.toml (${CONFIG} in the container)`,
  );
  expect(cause?.fix.map(({ command }) => command).join(' ')).toContain(
    'sudo grep -n url /srv/runner/config.toml',
  );
});

test('a command in its network enters it, and that of the host does not', () => {
  const [, place] = KINDS[0] ?? [];

  expect(place?.inNetwork('curl https://gitlab.test; true')).toBe(
    "sudo nsenter --target 812 --net sh -c 'curl https://gitlab.test; true'",
  );
  expect(place?.engineAt().client('ps')).toBe('sudo docker ps');
  expect(place?.engineAt('unix:///var/run/docker.sock').client('ps')).toBe('sudo docker ps');
});
