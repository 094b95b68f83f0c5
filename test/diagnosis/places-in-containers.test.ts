/** The fixes of every cause for a runner in a container: its engine's commands, and paths as the host sees them. */
import { describe, expect, test } from 'vitest';

import type { Container } from '../../src/core/container.ts';
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
    '62 60 8:1 /run/docker.sock /var/run/docker.sock rw - ext4 /dev/sda1 rw',
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
    services: {
      host: { hasSystemd: true, packageManager: 'apt-get' },
      engines: { dockerUnit: 'docker', hasPodmanUnit: true },
    },
  });
}

const NAME = 'runner-1';
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
];

/** Commands of a runner on the host, and paths that mean another file there. */
const FOREIGN =
  /(?:systemctl|service|journalctl)[^;&|]* gitlab-runner|nohup|(?<=^| )'?\/etc\/gitlab-runner/;
/** These run in the container. */
const INSIDE_IT = / exec | --all -- /;

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
  expect(place?.engineAt('unix:///var/run/docker.sock').client('ps')).toBe(
    'sudo docker -H unix:///run/docker.sock ps',
  );
});
