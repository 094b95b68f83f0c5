/** The faults of the demo as data: what is broken, which cause must be found, how to switch it. */
import type { IssuedCertificate } from './certificates.ts';
import { createAuthority } from './certificates.ts';
import type { Fault } from './gitlab-faults.ts';
import type { DemoHost } from './demo-host.ts';
import { DEMO_HOST } from './demo-host.ts';

export interface DemoFault {
  readonly id: string;
  readonly title: string;
  /** The cause that runnerwatch must name. */
  readonly cause: string;
  readonly on: (stage: DemoHost) => Promise<void> | void;
  readonly off: (stage: DemoHost) => Promise<void> | void;
}

const YESTERDAY = new Date(Date.now() - 86_400_000);
const LAST_YEAR = new Date(Date.now() - 365 * 86_400_000);

function gitlabFault(fault: Fault, title: string, cause: string): DemoFault {
  return {
    id: fault,
    title,
    cause,
    on: ({ gitlab }) => {
      gitlab.fault = fault;
    },
    off: ({ gitlab }) => {
      gitlab.fault = 'none';
    },
  };
}

type CertificateFault = Pick<DemoFault, 'id' | 'title' | 'cause'> & {
  readonly issue: (stage: DemoHost) => IssuedCertificate;
};

function certificateFault({ id, title, cause, issue }: CertificateFault): DemoFault {
  return {
    id,
    title,
    cause,
    on: (stage) => stage.gitlab.setCertificate(issue(stage)),
    off: ({ gitlab, goodCertificate }) => gitlab.setCertificate(goodCertificate),
  };
}

/** Wherever the runner lives. */
const COMMON: readonly DemoFault[] = [
  certificateFault({
    id: 'unknown-authority',
    title: "GitLab's certificate is signed by an unknown certificate authority",
    cause: 'tls-unknown-authority',
    issue: () =>
      createAuthority({ commonName: 'New Corporate CA' }).issue({
        commonName: DEMO_HOST,
        dns: [DEMO_HOST],
      }),
  }),
  certificateFault({
    id: 'expired',
    title: "GitLab's certificate expires",
    cause: 'tls-certificate-expired',
    issue: ({ authority }) =>
      authority.issue({
        commonName: DEMO_HOST,
        dns: [DEMO_HOST],
        notBefore: LAST_YEAR,
        notAfter: YESTERDAY,
      }),
  }),
  certificateFault({
    id: 'wrong-name',
    title: "GitLab's certificate is for another name",
    cause: 'tls-hostname-mismatch',
    issue: ({ authority }) => authority.issue({ commonName: 'other.test', dns: ['other.test'] }),
  }),
  certificateFault({
    id: 'no-san',
    title: "GitLab's certificate has only a common name (curl accepts it)",
    cause: 'tls-no-san',
    issue: ({ authority }) => authority.issue({ commonName: DEMO_HOST }),
  }),
  {
    id: 'token-forgotten',
    title: 'A user deletes the runner docker-1 in GitLab',
    cause: 'token-rejected',
    on: ({ gitlab, entries }) => void gitlab.tokens.delete(entries[0]?.token ?? ''),
    off: ({ gitlab, entries }) => void gitlab.tokens.add(entries[0]?.token ?? ''),
  },
  // For its first minute a 502 is taken for a restart, then for gitlab-bad-gateway.
  gitlabFault('bad-gateway', "GitLab's Puma restarts: 502", 'gitlab-booting'),
  gitlabFault('maintenance', 'GitLab goes into maintenance mode', 'gitlab-maintenance-mode'),
  gitlabFault('forbidden-edge', 'A firewall in front of GitLab returns 403', 'edge-waf-blocked'),
  gitlabFault('not-gitlab', 'Another web server answers instead of GitLab', 'not-a-gitlab-server'),
  gitlabFault('reset', 'A middlebox closes every connection', 'connection-reset-midstream'),
  {
    id: 'port-closed',
    title: "GitLab's web server stops",
    cause: 'tcp-connection-refused',
    on: async ({ gitlab }) => await gitlab.setListening(false),
    off: async ({ gitlab }) => await gitlab.setListening(true),
  },
  {
    id: 'name-lost',
    title: "GitLab's name is removed from /etc/hosts, and the resolver is down",
    cause: 'dns-resolver-down',
    on: async ({ setName }) => await setName(false),
    off: async ({ setName }) => await setName(true),
  },
  {
    id: 'config-typo',
    title: 'A user edits config.toml and makes a typo',
    cause: 'config-changed-not-loaded',
    on: async ({ writeConfig, goodConfig }) =>
      await writeConfig(goodConfig.replace('concurrent = 4', 'concurrent = "4')),
    off: async ({ writeConfig, goodConfig }) => await writeConfig(goodConfig),
  },
  {
    id: 'runner-stopped',
    title: 'The runner process is stopped (SIGSTOP)',
    cause: 'runner-hung',
    on: async ({ runner }) => await runner.signal('SIGSTOP'),
    off: async ({ runner }) => await runner.signal('SIGCONT'),
  },
];

export const DEMO_FAULTS: readonly DemoFault[] = [
  ...COMMON,
  {
    id: 'docker-down',
    title: 'Docker stops',
    cause: 'docker-daemon-down',
    on: async ({ docker }) => await docker.setListening(false),
    off: async ({ docker }) => await docker.setListening(true),
  },
  {
    id: 'runner-gone',
    title: 'The runner process dies',
    cause: 'runner-not-running',
    on: async ({ runner }) => await runner.stop(),
    off: async ({ runner }) => await runner.restart(),
  },
];

/** Of a runner in a container; the engine is that of this host, and is left alone. */
export const CONTAINER_FAULTS: readonly DemoFault[] = [
  ...COMMON,
  {
    id: 'container-gone',
    title: 'A person stops the container of the runner',
    cause: 'container-stopped',
    on: async ({ runner }) => await runner.stop(),
    off: async ({ runner }) => await runner.restart(),
  },
];

/** Which fault is on; at most one at a time. */
export class FaultSwitch {
  /** Those that can be on. */
  readonly all: readonly DemoFault[];
  readonly #stage: DemoHost;
  #current: DemoFault | undefined;
  /** The position where `next` continues. */
  #last: DemoFault | undefined;
  /** Keys and buttons can be quicker than a fault is switched: one change at a time. */
  #queue: Promise<void> = Promise.resolve();

  constructor(stage: DemoHost, all = DEMO_FAULTS) {
    this.#stage = stage;
    this.all = all;
  }

  current(): DemoFault | undefined {
    return this.#current;
  }

  /** Heals what is broken, then breaks this; undefined only heals. */
  async set(fault: DemoFault | undefined): Promise<void> {
    await this.#inTurn(async () => await this.#change(fault));
  }

  /** Heals when something is broken, else breaks the next one in the list. */
  async next(): Promise<void> {
    await this.#inTurn(async () => {
      if (this.#current !== undefined) {
        await this.#change(undefined);
        return;
      }
      const index = this.#last === undefined ? 0 : this.all.indexOf(this.#last) + 1;
      await this.#change(this.all[index % this.all.length]);
    });
  }

  async #change(fault: DemoFault | undefined): Promise<void> {
    await this.#current?.off(this.#stage);
    this.#last = this.#current ?? this.#last;
    this.#current = fault;
    await fault?.on(this.#stage);
  }

  async #inTurn(change: () => Promise<void>): Promise<void> {
    const mine = this.#queue.then(change);
    this.#queue = mine.catch(() => undefined);
    await mine;
  }
}
