/** Causes in what the executor stands on. Jobs fail; the runner still reaches GitLab. */
import type { CauseContext, CauseSpec } from '../cause-spec.ts';
import { family, quoted, step } from '../cause-spec.ts';

const executorCause = family({
  severity: 'warning',
  scope: 'executor',
  resolvedWhen: 'the executor check passes',
});

const ask = (c: CauseContext, text: string) =>
  step(text, `sudo docker -H ${quoted(c.fact('stands_on'))} info`);
const journal = step('Read why.', 'sudo journalctl -u docker -n 50 --no-pager');

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
    fix: () => [
      step('What takes the space?', 'docker system df'),
      step(
        'Remove stopped containers, unused networks and dangling images; volumes and tagged images stay.',
        'docker system prune',
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
      step('Start it, now and at boot.', 'sudo systemctl enable --now docker'),
      ask(c, 'Does it answer?'),
      journal,
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
    says: (c) => `user ${c.fact('uid')} of the runner may not use ${c.fact('stands_on')}`,
    fix: (c) => [
      step(
        'Put its user into the group of the socket.',
        `sudo usermod -aG docker "$(id -nu ${quoted(c.fact('uid'))})"`,
      ),
      step(
        'Restart the runner, which has its groups from its start.',
        `sudo systemctl restart ${c.unit}`,
      ),
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
    fix: () => [
      journal,
      step('Restart it; containers that run are lost.', 'sudo systemctl restart docker'),
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
        `sudo docker -H ${quoted(c.fact('stands_on'))} run --rm alpine nslookup ${quoted(c.host)}`,
      ),
      step(
        'Give jobs a name server or an address: dns or extra_hosts, and network_mtu where large packets vanish.',
        `sudoedit ${quoted(c.config)}   # [runners.docker] dns = ["ADDRESS"] or extra_hosts = ["HOST:ADDRESS"]`,
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
      step('Upgrade the runner.', 'sudo apt-get update && sudo apt-get install gitlab-runner'),
      ask(c, 'Which version does Docker want?'),
      step(
        'Until then let Docker accept older clients: {"min-api-version": "1.41"} in /etc/docker/daemon.json.',
        'sudoedit /etc/docker/daemon.json && sudo systemctl restart docker',
      ),
    ],
  }),
];
