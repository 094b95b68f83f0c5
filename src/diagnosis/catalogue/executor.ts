/** Causes in what the executor needs. Jobs fail; the runner still reaches GitLab. */
import { DOCKER_EXECUTORS, IMAGE_EXECUTORS } from '../../config/runner/executors.ts';
import type { CauseContext, CauseSpec } from '../cause-spec.ts';
import type { FixStep } from '../../core/diagnosis.ts';
import { step } from '../../core/diagnosis.ts';
import { quoteArgument } from '../../core/shell.ts';
import { family, onHost } from '../cause-spec.ts';
import { SHOW_EVENTS, askEngine, engineOf, siteOf } from './job-site.ts';

const executorCause = family({
  severity: 'warning',
  scope: 'executor',
  resolvedWhen: 'the executor check passes again',
});

const ask = (c: CauseContext, text: string) => askEngine(c, text, 'info');

const capital = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;

/** If the engine runs on another host, the text says where to run the command. */
const onEngine = (c: CauseContext, text: string, command: string | undefined) =>
  command !== undefined || engineOf(c).isHere
    ? step(capital(text), command)
    : step(`${siteOf(c) === 'machines' ? 'On' : 'On the host of'} ${c.fact('stands_on')}: ${text}`);

/** Where nothing of this host starts it, it is not installed, or it was started by hand. */
const start = (c: CauseContext) => {
  const { name, isHere, start: command } = engineOf(c);
  return isHere && command === undefined
    ? step(
        `This host has no service of ${name}: install ${name}, or correct the address (${c.fact('source')}).`,
      )
    : onEngine(c, `start ${name}, now and at boot.`, command);
};

const engineLog = (c: CauseContext) =>
  onEngine(c, `read the reason in the log of ${engineOf(c).name}.`, engineOf(c).showLog);

/** A runner of root needs no group; a socket without a group of its own has none to join. */
function joinGroup(c: CauseContext): FixStep {
  const { name, uid } = c.place.user;
  const group = c.optional('group');
  if (siteOf(c) === 'machines') {
    return step(
      `On ${c.fact('stands_on')}: add the user of the connection to the group of the socket.`,
    );
  }
  if (uid === 0 || name === 'root') {
    return step(
      'The runner runs as root and needs no group: check whether SELinux or AppArmor denies the access.',
      'sudo dmesg | grep -iE "avc|apparmor" | tail -n 20',
    );
  }
  return group === undefined
    ? step(
        'Give a group write permission for the socket and its directories, or point the runner to a socket of its own user.',
        `sudo namei -l ${onHost(c, c.fact('stands_on').replace(/^unix:\/\//, ''))}`,
      )
    : step(
        `Add the runner's user to ${group}, the group of the socket.`,
        `sudo usermod -aG ${quoteArgument(group)} ${quoteArgument(name)}`,
      );
}

/** The groups of a container are those that it was made with; a number means the same on both sides. */
function joinGroupOfContainer(c: CauseContext): readonly FixStep[] | undefined {
  const id = Number(c.optional('group_id') ?? Number.NaN);
  if (siteOf(c) === 'machines' || Number.isNaN(id)) return undefined;
  const text = `Give the container the group ${id}, which may use the socket.`;
  return c.place.commands.remake?.(text, [{ kind: 'group', id }]);
}

function mountSocket(c: CauseContext): readonly FixStep[] {
  const { container, commands } = c.place;
  const target = c.fact('stands_on').replace(/^unix:\/\//, '');
  const source = container?.socket ?? target;
  const text = `Give the container the socket of the host, ${source}.`;
  return commands.remake?.(text, [{ kind: 'mount', source, target }]) ?? [step(text)];
}

export const EXECUTOR_CAUSES: readonly CauseSpec[] = [
  executorCause({
    id: 'disk-docker-root-full',
    ofExecutors: IMAGE_EXECUTORS,
    title: 'The file system with the images and volumes of Docker is full',
    meaning:
      'Docker can neither pull images nor start containers, and may fail to start; every job of its runner entries fails.',
    evidence: "Free space in Docker's data directory, or Docker's error `no space left on device`.",
    notConfusedWith: ['disk-space-exhausted', 'docker-daemon-down'],
    changedBy: [],
    from: ['executor/root-full'],
    stopsJobs: true,
    says: (c) =>
      siteOf(c) === 'cluster'
        ? `the file system of the images is full on a node of ${c.fact('stands_on')}`
        : `the file system of Docker's data directory ${c.fact('root')} is full`,
    fix: (c) =>
      siteOf(c) === 'cluster'
        ? [
            SHOW_EVENTS,
            step(
              'On the node that is named there: remove the images that no pod uses.',
              'sudo crictl rmi --prune',
            ),
          ]
        : [
            askEngine(c, 'Check what uses the space.', 'system df'),
            askEngine(
              c,
              'Remove stopped containers, unused networks and dangling images; volumes and tagged images are kept.',
              'system prune',
            ),
          ],
    suppresses: ['docker-daemon-down', 'docker-not-responding', 'docker-image-pull-failed'],
  }),
  executorCause({
    id: 'runner-user-missing',
    ofExecutors: ['shell'],
    title: 'The user that jobs run as does not exist',
    meaning:
      'The service of the runner is started with --user, and runs each job of the shell executor as that user by su; no job can start.',
    evidence:
      'The user of --user is not in /etc/passwd, and no other source of users is configured.',
    notConfusedWith: ['runner-permission-denied', 'runner-program-missing'],
    from: ['executor/user-missing'],
    stopsJobs: true,
    says: (c) => `the user ${c.fact('jobs_user')}, that jobs run as, does not exist`,
    fix: (c) => [
      step(
        'Create the user, or correct --user in the service of the runner.',
        `sudo useradd --create-home --shell /bin/bash ${quoteArgument(c.fact('jobs_user'))}`,
      ),
      step('After a change of --user, restart the runner.', c.place.commands.restart),
    ],
  }),
  executorCause({
    id: 'docker-daemon-down',
    ofExecutors: DOCKER_EXECUTORS,
    title: 'Docker is not running',
    meaning:
      'Nothing listens on the address that the runner uses for Docker; each job of these entries fails after three attempts.',
    evidence: 'The socket does not exist, or the connection is refused.',
    notConfusedWith: ['docker-socket-permission', 'disk-docker-root-full'],
    from: ['executor/daemon-down'],
    stopsJobs: true,
    says: (c) =>
      `${engineOf(c).name} is not running at ${c.fact('stands_on')} (${c.fact('source')})`,
    fix: (c) => [start(c), ask(c, 'Check that it responds.'), engineLog(c)],
  }),
  executorCause({
    id: 'docker-socket-permission',
    ofExecutors: DOCKER_EXECUTORS,
    title: "The runner's user has no permission for the Docker socket",
    meaning:
      'The socket exists but the user of the runner may not use it. Group membership is read when the process starts.',
    evidence:
      'The permissions of the socket and its directories, for the user and groups of the runner process.',
    notConfusedWith: ['monitor-blind', 'docker-daemon-down'],
    from: ['executor/socket-permission'],
    stopsJobs: true,
    says: (c) =>
      `the runner's user ${c.place.user.name} has no permission for ${c.fact('stands_on')}`,
    fix: (c) =>
      joinGroupOfContainer(c) ?? [
        joinGroup(c),
        step('Restart the runner, which reads its groups only at start.', c.place.commands.restart),
      ],
  }),
  executorCause({
    id: 'docker-socket-not-mounted',
    ofExecutors: DOCKER_EXECUTORS,
    title: "The runner's container has no Docker socket",
    meaning:
      'The runner makes the containers of jobs by the engine of the host, and needs the socket of that engine in its own container; each job of these entries fails.',
    evidence: 'There is nothing at the address of Docker in the root of the container.',
    notConfusedWith: ['docker-daemon-down', 'docker-socket-replaced'],
    changedBy: [],
    from: ['executor/socket-not-mounted'],
    stopsJobs: true,
    says: (c) => `the container of the runner has no socket at ${c.fact('stands_on')}`,
    fix: (c) => [
      ...mountSocket(c),
      step(`If ${engineOf(c).name} runs elsewhere, correct the address (${c.fact('source')}).`),
    ],
    suppresses: ['docker-daemon-down'],
  }),
  executorCause({
    id: 'docker-socket-replaced',
    ofExecutors: DOCKER_EXECUTORS,
    title: "The runner's container has the socket of a Docker that has ended",
    meaning:
      'The socket is mounted into the container by itself. Docker made a new one when it was started again, and the container keeps the old one; each job of these entries fails.',
    evidence:
      'The connection is refused, and device and inode of the socket in the container are not those of the socket on the host.',
    notConfusedWith: ['docker-daemon-down', 'docker-socket-not-mounted'],
    changedBy: [],
    from: ['executor/socket-replaced'],
    stopsJobs: true,
    says: (c) =>
      `the socket ${c.fact('stands_on')} in the container of the runner is not that of the ${engineOf(c).name} that runs now`,
    fix: (c) => [
      step('Restart the container, which then has the new socket.', c.place.commands.restart),
    ],
    suppresses: ['docker-daemon-down'],
  }),
  executorCause({
    id: 'docker-not-responding',
    ofExecutors: DOCKER_EXECUTORS,
    title: 'Docker does not respond',
    meaning: 'Docker accepts the connection and does not respond; jobs wait until they time out.',
    evidence: 'No response to ping, info or version within ten seconds.',
    notConfusedWith: ['docker-daemon-down', 'disk-docker-root-full'],
    from: ['executor/not-responding'],
    stopsJobs: true,
    says: (c) => `${engineOf(c).name} at ${c.fact('stands_on')} does not respond`,
    fix: (c) => [
      engineLog(c),
      onEngine(
        c,
        `restart ${engineOf(c).name}; this stops running containers.`,
        engineOf(c).restart,
      ),
    ],
  }),
  executorCause({
    id: 'job-network-differs',
    ofExecutors: DOCKER_EXECUTORS,
    title: 'Job containers cannot reach GitLab, but this host can',
    meaning:
      'A container has its own name servers, hosts file and routes: the runner gets jobs, but each job fails when it fetches its sources.',
    evidence:
      "In the network of a job container, with its resolv.conf, GitLab's name does not resolve or the connection fails; on the host both work at the same time.",
    notConfusedWith: ['dns-timeout', 'dns-name-not-found', 'tcp-connect-timeout'],
    from: ['executor/job-network'],
    stopsJobs: true,
    says: (c) => `job containers on ${c.fact('stands_on')} cannot reach GitLab, but this host can`,
    fix: (c) => [
      step(
        'Show the name servers of the newest container, and of this host.',
        `${engineOf(c).client(`exec "$(${engineOf(c).client('ps -lq')})" cat /etc/resolv.conf`)}; cat ${onHost(c, '/etc/resolv.conf')}`,
      ),
      step(
        `Give jobs a name server that knows ${c.host} (dns) or its address (extra_hosts) in [runners.docker]; or set network_mtu if large packets are lost.`,
        `sudoedit ${onHost(c, c.config)}`,
      ),
    ],
  }),
  executorCause({
    id: 'docker-api-incompatible',
    ofExecutors: DOCKER_EXECUTORS,
    title: 'Docker and the runner support no common API version',
    meaning:
      "One of them was upgraded and rejects the other's version; every job of these entries fails.",
    evidence: 'Docker rejects the API version, or requires a newer one than the runner uses.',
    notConfusedWith: ['docker-not-responding'],
    from: ['executor/api-incompatible'],
    stopsJobs: true,
    says: (c) => `Docker at ${c.fact('stands_on')} rejects the API version of the runner`,
    fix: (c) => [
      c.place.commands.upgrade('Upgrade the runner.'),
      ask(c, 'Show the API versions that Docker supports.'),
      onEngine(
        c,
        `until then let Docker accept older clients: {"min-api-version": "1.41"} in ${engineOf(c).settings}.`,
        engineOf(c).editSettings,
      ),
      onEngine(c, 'restart Docker; this stops running containers.', engineOf(c).restart),
    ],
  }),
];
