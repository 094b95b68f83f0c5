/** Causes in what the executor stands on. Jobs fail; the runner still reaches GitLab. */
import type { CauseContext, CauseSpec } from '../cause-spec.ts';
import { step } from '../../core/diagnosis.ts';
import { quoted } from '../../core/shell.ts';
import { engineOf, family, onHost } from '../cause-spec.ts';

const executorCause = family({
  severity: 'warning',
  scope: 'executor',
  resolvedWhen: 'the executor check passes',
});

const ask = (c: CauseContext, text: string) => step(text, engineOf(c).client('info'));

/** Where this host does not run the engine, the text says where to type it. */
const onEngine = (c: CauseContext, text: string, command: string | undefined) =>
  command === undefined
    ? step(`On the host of ${c.fact('stands_on')}: ${text}`)
    : step(text, command);

const engineLog = (c: CauseContext) => onEngine(c, 'Read why in its log.', engineOf(c).showLog);

export const EXECUTOR_CAUSES: readonly CauseSpec[] = [
  executorCause({
    id: 'disk-docker-root-full',
    title: 'The file system of Docker’s images and volumes is full',
    meaning:
      'Docker can neither pull an image nor start a container, and may not start itself; every job of its entries fails.',
    evidence: 'The root that Docker tells, or its own error `no space left on device`.',
    notConfusedWith: ['disk-space-exhausted', 'docker-daemon-down'],
    from: ['executor/root-full'],
    says: (c) => `there is no room left where Docker keeps its images (${c.fact('root')})`,
    fix: (c) => [
      step('What takes the space?', engineOf(c).client('system df')),
      step(
        'Remove stopped containers, unused networks and dangling images; volumes and tagged images stay.',
        engineOf(c).client('system prune'),
      ),
    ],
    suppresses: ['docker-daemon-down', 'docker-not-responding', 'docker-image-pull-failed'],
  }),
  executorCause({
    id: 'docker-daemon-down',
    title: 'Docker is not running where the runner looks for it',
    meaning: 'Nobody listens at the address; each job of these entries fails after three tries.',
    evidence: 'The socket is absent, or refuses a connection.',
    notConfusedWith: ['docker-socket-permission', 'disk-docker-root-full'],
    from: ['executor/daemon-down'],
    says: (c) => `nobody listens at ${c.fact('stands_on')} (${c.fact('source')})`,
    fix: (c) => [
      onEngine(c, 'Start it, now and at boot.', engineOf(c).start),
      ask(c, 'Does it answer?'),
      engineLog(c),
    ],
  }),
  executorCause({
    id: 'docker-socket-permission',
    title: 'The user of the runner may not use Docker',
    meaning:
      'The socket is there and belongs to others. Groups are read once, when the process starts.',
    evidence:
      'Mode bits of the socket and of its folders, for the user and the groups of the process.',
    notConfusedWith: ['monitor-blind', 'docker-daemon-down'],
    from: ['executor/socket-permission'],
    says: (c) => `user ${c.place.user.name} of the runner may not use ${c.fact('stands_on')}`,
    fix: (c) => [
      step(
        'Put its user into the group of the socket.',
        `sudo usermod -aG docker ${quoted(c.place.user.name)}`,
      ),
      step('Restart the runner, which has its groups from its start.', c.place.commands.restart),
    ],
  }),
  executorCause({
    id: 'docker-not-responding',
    title: 'Docker does not answer',
    meaning: 'It takes the connection and says nothing; jobs wait until they time out.',
    evidence: 'No answer to ping, info or version within ten seconds.',
    notConfusedWith: ['docker-daemon-down', 'disk-docker-root-full'],
    from: ['executor/not-responding'],
    says: (c) => `Docker at ${c.fact('stands_on')} does not answer`,
    fix: (c) => [
      engineLog(c),
      onEngine(c, 'Restart it; containers that run are lost.', engineOf(c).restart),
    ],
  }),
  executorCause({
    id: 'job-network-differs',
    title: 'Jobs cannot reach GitLab from their containers, and this host can',
    meaning:
      'A container has name servers, hosts and routes of its own: the runner gets jobs, and each fails when it fetches its sources.',
    evidence:
      'From inside the network of a job’s container, with its own resolv.conf, GitLab’s name is not known or the connection fails; from the host it works at the same time.',
    notConfusedWith: ['dns-timeout', 'dns-name-not-found', 'tcp-connect-timeout'],
    from: ['executor/job-network'],
    says: (c) =>
      `jobs in containers of ${c.fact('stands_on')} do not reach GitLab, and this host does`,
    fix: (c) => [
      step(
        'Does a container know the name, and from which name server?',
        engineOf(c).client(`run --rm alpine nslookup ${quoted(c.host)}`),
      ),
      step(
        'Give jobs a name server or an address: dns or extra_hosts, and network_mtu where large packets vanish.',
        `sudoedit ${onHost(c, c.config)}   # [runners.docker] dns = ["10.0.0.53"] or extra_hosts = ["gitlab.example.com:10.0.0.2"]`,
      ),
    ],
  }),
  executorCause({
    id: 'docker-api-incompatible',
    title: 'Docker and the runner speak no common version of the API',
    meaning: 'One of them was upgraded and refuses the other; every job of these entries fails.',
    evidence: 'Docker says so, or wants at least a newer API than the runner speaks.',
    notConfusedWith: ['docker-not-responding'],
    from: ['executor/api-incompatible'],
    says: (c) => `Docker at ${c.fact('stands_on')} refuses the API version of the runner`,
    fix: (c) => [
      step('Upgrade the runner.', c.place.host.install('gitlab-runner')),
      ask(c, 'Which version does Docker want?'),
      step(
        `Until then let it accept older clients: {"min-api-version": "1.41"} in ${engineOf(c).settings}.`,
        `sudoedit ${quoted(engineOf(c).settings)}`,
      ),
      onEngine(c, 'Restart it; containers that run are lost.', engineOf(c).restart),
    ],
  }),
];
