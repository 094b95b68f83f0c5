/** The fixes of every cause in every kind of place: each command fits the place, and none has a hole. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { HOST_PATHS } from '../../src/core/paths.ts';
import type { Place } from '../../src/core/place.ts';
import { CONTAINER_CAUSES } from '../../src/diagnosis/catalogue/container.ts';
import { catalogue } from '../../src/diagnosis/catalogue/index.ts';
import type { CauseContext, CauseSpec, ContextProxy } from '../../src/diagnosis/cause-spec.ts';
import type { HostPlace } from '../../src/host/place/on-host.ts';
import { placeOnHost } from '../../src/host/place/on-host.ts';
import type { Route } from '../support/fix-context.ts';
import { contextAt, DIRECT, HOLE } from '../support/fix-context.ts';
import { runnerProcess } from '../support/runner-process.ts';

const SYSTEMD: HostPlace = {
  manager: { kind: 'systemd', unit: 'gitlab-runner-2.service' },
  paths: HOST_PATHS,
  user: { name: 'root', uid: 0 },
  program: 'gitlab-runner',
  host: { hasSystemd: true, packageManager: 'apt-get' },
  engines: { dockerUnit: 'docker', hasPodmanUnit: true },
};
/** A host without systemd. */
const PLAIN: HostPlace = {
  ...SYSTEMD,
  manager: { kind: 'by-hand' },
  host: { hasSystemd: false, packageManager: 'dnf' },
  engines: { dockerScript: 'docker', hasPodmanUnit: false },
};
const ALICE = { name: 'alice', uid: 1001 };
const started = runnerProcess({
  pid: 812,
  uid: 1001,
  arguments: ['/opt/gitlab-runner', 'run', '--config', '/srv/config.toml'],
});

interface Kind {
  readonly place: Place;
  /** What restarts the runner there. */
  readonly restarts: RegExp;
  /** What no command about the runner may name. */
  readonly foreign: RegExp;
}

const KINDS: Readonly<Record<string, Kind>> = {
  'a systemd unit of another name': {
    place: placeOnHost(SYSTEMD),
    restarts: /^sudo systemctl restart gitlab-runner-2$/,
    foreign:
      /systemctl --user|\bservice gitlab|nohup|(?:systemctl|journalctl)[^;&|]* gitlab-runner(?!-2)/,
  },
  'a unit of a user': {
    place: placeOnHost({
      ...SYSTEMD,
      manager: { kind: 'systemd-user', unit: 'gitlab-runner.service', ownerId: 1001 },
      user: ALICE,
    }),
    restarts:
      /^sudo -u '#1001' XDG_RUNTIME_DIR=\/run\/user\/1001 systemctl --user restart gitlab-runner$/,
    foreign: /systemctl (?!--user)\S* ?gitlab-runner|journalctl -u gitlab|nohup|sudo gitlab-runner/,
  },
  'a script in /etc/init.d': {
    place: placeOnHost({ ...PLAIN, manager: { kind: 'sysv', script: 'gitlab-runner' } }),
    restarts: /^sudo service gitlab-runner restart$/,
    foreign: /systemctl|journalctl|timedatectl|nohup/,
  },
  'a process that root started': {
    place: placeOnHost({ ...PLAIN, started: { ...started, uid: 0 }, isRunning: true }),
    restarts:
      /^sudo -b xargs -0 -a \/proc\/812\/environ sh -c 'kill 812; timeout 90 tail --pid=812 -f \/dev\/null \|\| kill -KILL 812; cd \/home\/gitlab-runner && exec env -i "\$@" nohup \/opt\/gitlab-runner run --config \/srv\/config\.toml' sh$/,
    foreign: /systemctl|journalctl|timedatectl|service gitlab-runner/,
  },
  'a process that a user started': {
    place: placeOnHost({
      ...PLAIN,
      started,
      isRunning: true,
      user: ALICE,
      program: '/opt/gitlab-runner',
    }),
    restarts:
      /^sudo -b -H -u alice xargs -0 .* cd \/home\/gitlab-runner && exec env -i "\$@" nohup \/opt\/gitlab-runner run --config \/srv\/config\.toml' sh$/,
    foreign: /systemctl|journalctl|timedatectl|service gitlab-runner|sudo gitlab-runner/,
  },
  'a runner that nothing starts and that does not run': {
    place: placeOnHost(PLAIN),
    restarts: /^sudo -b nohup gitlab-runner run --config \/etc\/gitlab-runner\/config\.toml$/,
    foreign: /systemctl|journalctl|timedatectl|service gitlab-runner/,
  },
};

const through = (scheme: ContextProxy['scheme'], login: { hasLogin?: true } = {}): Route => ({
  proxy: { scheme, authority: 'proxy.acme.test:3128', ...login },
  firstHop: { host: 'proxy.acme.test', port: '3128' },
  hasOtherProxies: false,
});

/** How the runner goes to GitLab, and what a command that goes there must say. */
const ROUTES: Readonly<Record<string, readonly [route: Route, says: RegExp]>> = {
  directly: [DIRECT, /^(?!.*prox)/],
  'directly, beside a proxy of others': [
    { ...DIRECT, hasOtherProxies: true },
    /s_client|--noproxy/,
  ],
  'through a proxy': [through('http'), /(?:-proxy|--proxy) \S*proxy\.acme\.test:3128/],
  'through a proxy with a login': [
    through('http', { hasLogin: true }),
    /-proxy_user "\$\(printf|--proxy-user "\$\(printf/,
  ],
  'through a proxy with TLS': [through('https'), /curl .*--proxy https:\/\/proxy\.acme\.test:3128/],
  'through a SOCKS proxy': [through('socks5'), /curl .*--proxy socks5:\/\/proxy\.acme\.test:3128/],
};

const ENGINES: readonly (readonly [address: string, client: RegExp])[] = [
  ['unix:///var/run/docker.sock', /^sudo docker /],
  ['unix:///run/podman/podman.sock', /^sudo podman --url unix:\/\/\/run\/podman/],
  ['unix:///run/user/1001/docker.sock', /^sudo docker -H unix:\/\/\/run\/user/],
  ['tcp://10.0.0.7:2376', /^sudo docker -H tcp:\/\/10\.0\.0\.7:2376 --tlsverify /],
  ['ssh://build@10.0.0.7', /^sudo docker -H ssh:/],
];

const commandsOf = (spec: CauseSpec, place: Place): readonly string[] =>
  spec
    .fix(contextAt(place))
    .flatMap(({ command }) => command ?? [])
    // Our own service is a unit, however the runner is started.
    .filter((command) => !/systemctl \w+ runnerwatch\b/.test(command));

/** Parts of a command that name what only root may read, and run as the person who types them. */
function withoutRights(command: string, { files }: Place): readonly string[] {
  const secret = [dirname(files.config), '/proc/812/environ', '/var/log/gitlab-runner'];
  return command
    .split(/\|\||&&|[|;]/)
    .map((part) => part.trim().replace(/^[({]+\s*/, ''))
    .filter((part) => secret.some((path) => part.includes(path)))
    .filter((part) => !/^(?:sudo|sudoedit|timeout \d+ sudo) /.test(part));
}

describe.each(Object.entries(KINDS))('%s', (_kind, { place, restarts, foreign }) => {
  test('is restarted by what runs it', () => {
    expect(place.commands.restart).toMatch(restarts);
  });

  test.each(catalogue.map((spec) => [spec.id, spec] as const))(
    '%s: every command fits, and no step has a hole',
    (_id, spec) => {
      const commands = commandsOf(spec, place);
      const texts = spec.fix(contextAt(place)).map(({ text }) => text);

      expect(commands.filter((command) => foreign.test(command))).toEqual([]);
      expect([...commands, ...texts].filter((text) => HOLE.test(text))).toEqual([]);
      expect(commands.filter((command) => /\n|user:password/.test(command))).toEqual([]);
      expect(commands.filter((command) => /sed -i/.test(command))).toEqual([]);
      expect(commands.filter((command) => /gitlab-ctl tail \S+ \w/.test(command))).toEqual([]);
      expect(commands.flatMap((command) => withoutRights(command, place))).toEqual([]);
    },
  );
});

const restored = (place: Place) => place.host.writeResolver('It had a.', ['a', 'b c']);
const stepsAt = (place: Place) => catalogue.flatMap((spec) => spec.fix(contextAt(place)));

test('a resolv.conf that a program writes is set there, and not edited', () => {
  const written = placeOnHost({
    ...SYSTEMD,
    host: { ...SYSTEMD.host, resolverWriter: { name: 'resolvconf', where: 'in its folder' } },
  });
  const edits = /sed -e .*resolv\.conf/;

  expect(stepsAt(written).filter(({ command }) => edits.test(command ?? ''))).toEqual([]);
  const said = stepsAt(written).filter(({ text }) =>
    text.endsWith('resolvconf writes /etc/resolv.conf: set it in its folder.'),
  );
  const typed = stepsAt(placeOnHost(SYSTEMD)).filter(({ command }) => edits.test(command ?? ''));
  expect(said).toHaveLength(typed.length);
  expect(typed.length).toBeGreaterThan(2);
  expect(restored(written)).toEqual({
    text: 'It had a. resolvconf writes /etc/resolv.conf: set it in its folder.',
  });
  expect(restored(placeOnHost(SYSTEMD)).command).toBe(
    "printf '%s\\n' a 'b c' | sudo tee /etc/resolv.conf >/dev/null",
  );
});

test('a variable is set where the manager of the runner reads it', () => {
  const set = Object.values(KINDS).map(
    ({ place }) =>
      place.commands.setEnvironment('Set it.', { HTTPS_PROXY: 'http://proxy:3128' })[0]?.command,
  );

  expect(set).toEqual([
    `sudo mkdir -p /etc/systemd/system/gitlab-runner-2.service.d && printf '%s\\n' '[Service]' 'Environment="HTTPS_PROXY=http://proxy:3128"' | sudo tee -a /etc/systemd/system/gitlab-runner-2.service.d/zz-runnerwatch.conf && sudo systemctl daemon-reload`,
    `sudo -u '#1001' XDG_RUNTIME_DIR=/run/user/1001 systemctl --user edit gitlab-runner   # [Service] Environment="HTTPS_PROXY=http://proxy:3128"`,
    String.raw`text=$(echo 'export HTTPS_PROXY=http://proxy:3128' | sudo sed -e '1r /dev/stdin' /etc/init.d/gitlab-runner) && printf '%s\n' "$text" | sudo tee /etc/init.d/gitlab-runner >/dev/null`,
    expect.stringMatching(
      /^sudo -b xargs .* env -i "\$@" HTTPS_PROXY=http:\/\/proxy:3128 nohup \/opt\/gitlab-runner /,
    ),
    expect.stringMatching(
      / -H -u alice xargs .* env -i "\$@" HTTPS_PROXY=http:\/\/proxy:3128 nohup \/opt\/gitlab-runner /,
    ),
    'sudo -b env HTTPS_PROXY=http://proxy:3128 nohup gitlab-runner run --config /etc/gitlab-runner/config.toml',
  ]);
});

test('a value that only a person knows is asked for, or its file is opened', () => {
  const entered = Object.values(KINDS).map(
    ({ place }) => place.commands.enterEnvironment('Set it.', ['HTTPS_PROXY'])[0],
  );

  expect(entered.map((step) => step?.command)).toEqual([
    'sudo systemctl edit gitlab-runner-2',
    `sudo -u '#1001' XDG_RUNTIME_DIR=/run/user/1001 systemctl --user edit gitlab-runner`,
    'sudoedit /etc/init.d/gitlab-runner',
    expect.stringMatching(
      /^\(printf .* read -r HTTPS_PROXY && { sudo -b env HTTPS_PROXY="\$HTTPS_PROXY" xargs .*; }\)$/,
    ),
    expect.stringMatching(/ -H -u alice env HTTPS_PROXY="\$HTTPS_PROXY" xargs -0 /),
    expect.stringMatching(/&& { sudo -b env HTTPS_PROXY="\$HTTPS_PROXY" nohup gitlab-runner run /),
  ]);
  expect(entered[0]?.text).toBe(
    'Set it. The line is Environment="HTTPS_PROXY=value" below [Service].',
  );
  expect(entered[2]?.text).toBe('Set it. The line is export HTTPS_PROXY=value.');
});

/** What a person types here, and not on another host. */
const typedHere = (spec: CauseSpec, c: CauseContext): readonly string[] =>
  spec
    .fix(c)
    .filter(({ text }) => !/^On the (?:GitLab server|proxy|host of)/.test(text))
    .flatMap(({ command }) => command ?? []);

describe.each(Object.entries(ROUTES))(
  'a runner that goes to GitLab %s',
  (_route, [route, says]) => {
    test.each(catalogue.map((spec) => [spec.id, spec] as const))(
      '%s goes the same way',
      (_id, spec) => {
        const commands = Object.values(KINDS).flatMap(({ place }) =>
          typedHere(spec, contextAt(place, route)),
        );
        const toGitLab = commands.filter((one) =>
          /(?:s_client|curl) [^|]*gitlab\.acme\.test/.test(one),
        );

        expect(toGitLab.filter((one) => !says.test(one))).toEqual([]);
        expect(commands.filter((one) => HOLE.test(one))).toEqual([]);
      },
    );
  },
);

/** The engine of the runner's own container is another matter. */
const OF_JOBS = catalogue.filter((spec) => !CONTAINER_CAUSES.includes(spec));

describe.each(ENGINES)('the engine at %s', (address, client) => {
  test.each(OF_JOBS.map((spec) => [spec.id, spec] as const))('%s asks that one', (_id, spec) => {
    const place = placeOnHost(SYSTEMD);
    const isHere = place.engineAt(address).isHere;
    const c = contextAt(place, DIRECT, address);
    const commands = typedHere(spec, c);
    const asked = commands.filter((one) => /^sudo (?:docker|podman) /.test(one));

    expect(asked.filter((one) => !client.test(one))).toEqual([]);
    const own = /systemctl \S+(?: --now)? (?:docker|podman)|daemon\.json|containers\.conf/;
    // Docker's own name server is on this host, wherever jobs run.
    const isOfDns = spec.id.startsWith('dns-');
    expect(isHere || isOfDns ? [] : commands.filter((one) => own.test(one))).toEqual([]);
  });
});

const fixWith = (environment: Readonly<Record<string, string>> | undefined) => {
  const { environment: _, ...process } = started;
  const place = placeOnHost({
    ...SYSTEMD,
    started: environment === undefined ? process : { ...process, environment },
  });
  const spec = catalogue.find(({ id }) => id === 'no-proxy-mismatch');
  return spec?.fix(contextAt(place, through('http'))).map(({ command }) => command)[0];
};

describe('the list of hosts without a proxy', () => {
  test.each([
    ['gets the host', {}, '"NO_PROXY=gitlab.acme.test"'],
    [
      'keeps its entries',
      { NO_PROXY: '10.0.0.0/8, .corp' },
      '"NO_PROXY=10.0.0.0/8,.corp,gitlab.acme.test"',
    ],
    ['keeps its name', { no_proxy: 'a' }, '"no_proxy=a,gitlab.acme.test"'],
  ])('%s', (_what, environment, line) => {
    expect(fixWith(environment)).toContain(line);
  });

  test('that is not known here is for a person to add to', () => {
    expect(fixWith(undefined)).toBe('sudo systemctl edit gitlab-runner-2');
  });
});

test('a certificate is added to what is in the file', () => {
  const commands = catalogue.flatMap((spec) => typedHere(spec, contextAt(placeOnHost(SYSTEMD))));
  const trusting = commands.filter(
    (one) => /root\.pem|gitlab\.pem/.test(one) && /sudo (?:tee|install|cp)/.test(one),
  );

  expect(trusting.length).toBeGreaterThan(3);
  expect(trusting.filter((one) => !/tee -a/.test(one))).toEqual([]);
});

test.each([
  ['unix:///var/run/docker.sock', 'sudo systemctl enable --now docker'],
  ['unix:///run/podman/podman.sock', 'sudo systemctl enable --now podman.socket'],
  [
    'unix:///run/user/1001/docker.sock',
    `sudo -u '#1001' XDG_RUNTIME_DIR=/run/user/1001 systemctl --user enable --now docker`,
  ],
  ['tcp://10.0.0.7:2376', undefined],
])('the engine at %s is started by its own service', (address, start) => {
  expect(placeOnHost(SYSTEMD).engineAt(address).start).toBe(start);
});

test('no entry of the catalogue writes a manager, a path of the runner or a user by hand', () => {
  const folder = join(import.meta.dirname, '../../src/diagnosis/catalogue');
  const literal =
    /systemctl|journalctl|service gitlab|\/etc\/gitlab-runner|\/etc\/docker|docker\.service|-u docker|sudo -u|init\.d|apt-get|sudo gitlab-runner/;
  const found = readdirSync(folder).flatMap((file) =>
    readFileSync(join(folder, file), 'utf8')
      .split('\n')
      .filter((line) => literal.test(line))
      .map((line) => `${file}: ${line.trim()}`),
  );

  expect(found).toEqual([]);
});
