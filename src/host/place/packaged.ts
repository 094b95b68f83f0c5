/** The place of a packaged runner: the unit `gitlab-runner.service` of a systemd host, run by root. For the docs. */
import { HOST_PATHS } from '../../core/paths.ts';
import type { Place } from '../../core/place.ts';
import { placeOnHost } from './on-host.ts';

export const PACKAGED_UNIT = 'gitlab-runner.service';

export const PACKAGED_PLACE: Place = placeOnHost({
  manager: { kind: 'systemd', unit: PACKAGED_UNIT },
  paths: HOST_PATHS,
  user: { name: 'root', uid: 0 },
  program: 'gitlab-runner',
  host: { hasSystemd: true, packageManager: 'apt-get' },
  engines: { dockerUnit: 'docker', hasPodmanUnit: true },
});
