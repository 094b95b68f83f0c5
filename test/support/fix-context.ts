/** A context of every fact for the fixes of the catalogue, and what no printed text may hold. */
import { dirname } from 'node:path';

import type { Place } from '../../src/core/place.ts';
import type { CauseContext } from '../../src/diagnosis/cause-spec.ts';

export type Route = Pick<CauseContext, 'proxy' | 'firstHop' | 'hasOtherProxies'>;

export const DIRECT: Route = {
  hasOtherProxies: false,
  firstHop: { host: 'gitlab.acme.test', port: '443' },
};
/** Facts as they may be; an address of a Docker of this host, a process id. */
export function contextAt(
  place: Place,
  route: Route = DIRECT,
  engine = 'unix:///var/run/docker.sock',
): CauseContext {
  const facts: Readonly<Record<string, string>> = {
    stands_on: engine,
    docker_certificates: '/certs',
    expired_in: 'server',
    pid: '812',
    group_id: '998',
    mounted_file: '/srv/runner/config.toml',
    other_pid: '813',
    port: '443',
    variable: 'HTTPS_PROXY',
    ca_file: `${place.files.certs}/ca.crt`,
    client_file: `${place.files.certs}/client.crt`,
    path: `${dirname(place.files.config)}/builds`,
  };
  const fact = (name: string): string => facts[name] ?? `the-${name.replaceAll('_', '-')}`;
  return {
    host: 'gitlab.acme.test',
    port: '443',
    url: 'https://gitlab.acme.test/',
    engine: { address: engine, certificates: '/certs' },
    ...route,
    config: place.files.config,
    settings: '/etc/runnerwatch/runnerwatch.toml',
    place,
    name: 'docker-1',
    runner: 't9Wkyj-HG',
    executor: 'docker',
    fact,
    optional: fact,
  };
}

/**
 * What a person is to fill in: dots, angle brackets, words in capitals. Variables of a shell or of systemd are no
 * holes.
 */
export const HOLE =
  /example|\.\.\.|\u2026|<[\w -]+>|undefined|unknown|NaN|\[object|\(missing|(?<![\w$"/.=-])(?:PID|IMAGE|UNIT|NAME|HOST|PORT|URL|USER|PASSWORD|TOKEN|ADDRESS|CONNECT|FILE|VALUE)(?![\w=-])/;
