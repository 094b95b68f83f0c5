/**
 * What there is to probe. `discovery/` finds the targets in the runner's configuration and on the host; probes receive
 * them.
 */
import type { HttpUrl } from './http-url.ts';
import { portOf } from './http-url.ts';
import type { RunnerConfigReading } from './reading.ts';
import type { Secret } from './secret.ts';

/** How requests to one URL leave this host, by Go's rules over the runner's environment. */
export type ProxyDecision =
  | {
      readonly kind: 'direct';
      /** Why there is no proxy: `HTTPS_PROXY is not set`, `NO_PROXY matches gitlab.example.com`. */
      readonly because: string;
      /** The variable whose value Go cannot parse, and so ignores. */
      readonly unparsable?: string;
      /** The variable whose list keeps this URL from the proxy. */
      readonly exemptBy?: string;
      /** The variable that Go refuses, so that it sends no request at all. */
      readonly refused?: string;
    }
  | {
      readonly kind: 'proxy';
      readonly scheme: 'http' | 'https' | 'socks5';
      readonly host: string;
      readonly port: number;
      readonly credentials?: { readonly user: string; readonly password: Secret };
      /** The variable it came from, as the runner's process has it: `HTTPS_PROXY`. */
      readonly variable: string;
      /** An entry of NO_PROXY that was meant for this host, and why Go does not match it. */
      readonly nearMiss?: { readonly entry: string; readonly because: string };
      /** Go cannot read the value as it was meant, and makes another proxy of it. */
      readonly isMisread?: true;
    };

/** A proxy setting in a file of this host that the runner does not use. */
export interface ProxyAlternative {
  readonly decision: ProxyDecision;
  /** `/etc/environment:3`. */
  readonly source: string;
  /** Meant for the runner or for the whole host, not for another program. */
  readonly isForRunner: boolean;
  /** The runner has this proxy, and its NO_PROXY exempts GitLab from it. */
  readonly isExempt?: true;
}

/** Where the runner reads its CA file and its client certificate. Paths are as the runner sees them. */
export interface TrustSource {
  /** `tls-ca-file`, made absolute against the runner's working directory. */
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  /** `<certs>/<host>.crt`, `.auth.crt` and `.auth.key` are read from here. */
  readonly certsDirectory: string;
  /** The host as `url` spells it, where another name is dialled: the files carry the former. */
  readonly certsHost?: string;
  /** `SSL_CERT_FILE` and `SSL_CERT_DIR` of the runner's process. */
  readonly systemFile?: string;
  readonly systemDirectories?: readonly string[];
}

/** What every target knows. All else that depends on the place is asked of the place: see `Tools`. */
export interface Placed {
  /** Id of the place where its runner lives; absent for what belongs to the host as a whole. */
  readonly place?: string;
  /** The id without its place, where another installation of this host has the same one. */
  readonly plainId?: string;
}

/** What a target is called within its place: a path, an address, a short token. */
export function plainIdOf({ plainId, id }: Placed & { readonly id: string }): string {
  return plainId ?? id;
}

export interface HostTarget extends Placed {
  readonly kind: 'host';
  readonly id: string;
}

/** One walk: entries with the same URL, trust files and proxy decision share it. */
export interface EndpointTarget extends Placed {
  readonly kind: 'endpoint';
  /** The base URL as the runner uses it, with a trailing slash. */
  readonly id: string;
  readonly url: HttpUrl;
  readonly trust: TrustSource;
  readonly proxy: ProxyDecision;
  readonly alternatives?: readonly ProxyAlternative[];
}

export interface RunnerTarget extends Placed {
  readonly kind: 'runner';
  /** The short token of the runner's own log lines: 9 characters after the prefix. */
  readonly id: string;
  readonly name: string;
  readonly executor: string;
  readonly url: string;
  /** Id of the endpoint this entry walks; absent when its `url` cannot be used. */
  readonly endpoint?: string;
  readonly token: Secret;
  readonly tokenExpiresAt?: number;
  readonly systemId?: string;
  /** Where an API token was given: the runner's number in GitLab, and the file that holds the token. */
  readonly record?: { readonly id: number; readonly tokenFile: string };
  /** Line of its `[[runners]]` header, from 1. */
  readonly line: number;
}

/** A file system that the runner writes, named by what it is used for. */
export interface MountTarget extends Placed {
  readonly kind: 'mount';
  /** Mount point. */
  readonly id: string;
  readonly fileSystemType: string;
  /** The file system itself is mounted read-only (super options). */
  readonly readOnly: boolean;
  /** `8:1`, of the block device it lies on; absent where there is none. */
  readonly deviceNumber?: string;
  /** A path of the runner on this mount. It is used for `statfs`, since access to the mount point may be forbidden. */
  readonly path: string;
  /** `builds_dir of docker-1`, `config`, `TMPDIR`, `Docker root`, `/`. */
  readonly roles: readonly string[];
  /** The runner or a job writes here for jobs; absent where only the runner's own files lie. */
  readonly isOfJobs?: true;
  /** What entries cannot begin a job without; absent where no entry does. */
  readonly jobFolders?: readonly JobFolder[];
}

/** A folder in which each job of an entry begins. */
export interface JobFolder {
  /** Id of the entry. */
  readonly runner: string;
  /** Where the working copies of its jobs lie, and nothing else; absent where an engine keeps them. */
  readonly workingCopies?: string;
}

/** Where something listens. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** The first process of a container that runs a job. */
export interface JobProcess {
  /** Short id of the container. */
  readonly container: string;
  readonly job: string;
  readonly pid: number;
}

/** The backend of an executor (Docker daemon, folder, programs, cluster). Entries that use the same backend share one target. */
export interface ExecutorTarget extends Placed {
  readonly kind: 'executor';
  /** `unix:///var/run/docker.sock`, `/home/gitlab-runner/builds`, `fleeting-plugin-aws`, `/opt/ci/run.sh`. */
  readonly id: string;
  readonly executor: string;
  /** Ids of the entries that need it. */
  readonly runners: readonly string[];
  readonly backend: ExecutorBackend;
  /** What jobs must reach from their containers: the GitLabs of the entries that go there without a proxy. */
  readonly gitlabs?: readonly HostPort[];
}

export type ExecutorBackend =
  | {
      readonly kind: 'docker';
      /** Where the address came from: `host of docker-1`, `DOCKER_HOST`, `the default`. */
      readonly source: string;
      /** Folder of ca.pem, cert.pem and key.pem; absent without TLS. */
      readonly certificates?: string;
    }
  | {
      readonly kind: 'folder';
      readonly path: string;
      /** The user of its jobs, where it is another than that of the process. */
      readonly user?: string;
    }
  | ProgramsBackend
  | ClusterBackend
  /** No check knows how to look at it. */
  | { readonly kind: 'unseen'; readonly because: string };

/** The API server of Kubernetes, and as whom the runner asks it. */
export interface ClusterBackend {
  readonly kind: 'cluster';
  /** Undefined for a `host` that is no URL. */
  readonly api: HttpUrl | undefined;
  /** `host of k8s-1`, `KUBERNETES_SERVICE_HOST`. */
  readonly source: string;
  /** Of its pods; absent where each job makes its own. */
  readonly namespace?: string;
  readonly proxy: ProxyDecision;
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  /** What the runner trusts without a caFile. */
  readonly system: Pick<TrustSource, 'systemFile' | 'systemDirectories'>;
  readonly token?: Secret;
  /** That of the account of a pod. */
  readonly tokenFile?: string;
  /** Where the runner looks for a cluster if its pod has no account. */
  readonly kubeconfigs?: readonly string[];
  readonly runsByExec: boolean;
  readonly lacks: readonly string[];
}

/** Programs that the runner starts for jobs, and what it reads before it can. */
export interface ProgramsBackend {
  readonly kind: 'programs';
  readonly programs: readonly NeededProgram[];
  readonly plugin?: NeededPlugin;
  /** Private key for the machines of an autoscaler, as the runner sees it. */
  readonly keyFile?: string;
  /** What config.toml does not name although the executor requires it, as `MachineName in [runners.machine]`. */
  readonly lacks: readonly string[];
  /** What no check looks at, as a clause behind "whether". */
  readonly unexamined: string;
}

/** A program that the runner, or a program of it, starts. */
export interface NeededProgram {
  /** A path, or a name to be found in `folders`. */
  readonly name: string;
  /** What names it: `run_exec`, `MachineDriver`; for one that the executor always starts the name of the executor. */
  readonly setting: string;
  /** PATH of the process; absent where that is not known. */
  readonly folders?: readonly string[];
  /** Jobs run without it. */
  readonly isForCleanup?: true;
}

/** A plugin of an autoscaler, which is either a program on PATH or installed in a folder of its own. */
export interface NeededPlugin {
  /** As written: `aws:1.5`, `fleeting-plugin-aws`, `/opt/plugin`. */
  readonly name: string;
  readonly folders: readonly string[];
  /** Where `fleeting install` puts them. */
  readonly installed: readonly string[];
}

export interface ConfigTarget extends Placed {
  readonly kind: 'config';
  /** Path of config.toml. */
  readonly id: string;
  readonly reading: RunnerConfigReading;
}

export interface ServiceTarget extends Placed {
  readonly kind: 'service';
  /** That of its place: `gitlab-runner.service`. */
  readonly id: string;
  /** Address of the runner's metrics; absent without `listen_address`. */
  readonly metrics?: { readonly host: string; readonly port: number };
}

export interface TargetKinds {
  readonly host: HostTarget;
  readonly endpoint: EndpointTarget;
  readonly runner: RunnerTarget;
  readonly mount: MountTarget;
  readonly config: ConfigTarget;
  readonly service: ServiceTarget;
  readonly executor: ExecutorTarget;
}
export type TargetKind = keyof TargetKinds;
export type Target = TargetKinds[TargetKind];

/** Whether a URL is below the base URL of an endpoint. */
export function isUrlOf({ url }: EndpointTarget, other: HttpUrl): boolean {
  const isSameHost = other.hostname.toLowerCase() === url.hostname.toLowerCase();
  const isSamePort = other.protocol === url.protocol && portOf(other) === portOf(url);
  return isSameHost && isSamePort && other.pathname.startsWith(url.pathname);
}
