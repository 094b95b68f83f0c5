/** All rows of the lab, family by family. */
import type { Row } from '../scenario.ts';
import { addressRows } from './addresses.ts';
import { addressTurnRows } from './addresses-in-turn.ts';
import { changeRows } from './changes.ts';
import { clusterRows } from './clusters.ts';
import { combinationRows } from './combinations.ts';
import { configRows } from './config-file.ts';
import { diskRows } from './disks.ts';
import { dnsHostRows } from './dns-host.ts';
import { dnsRows } from './dns.ts';
import { edgeRows } from './edge.ts';
import { endRows } from './ends.ts';
import { containerMakerRows } from './container-makers.ts';
import { containerSettingRows } from './container-settings.ts';
import { engineRestartRows } from './engine-restarts.ts';
import { engineRows } from './engines.ts';
import { podRows } from './pods.ts';
import { executorRows } from './executor.ts';
import { firewallRows } from './firewall.ts';
import { gitlabRows } from './gitlab.ts';
import { httpFormRows } from './http-forms.ts';
import { healthyRows } from './healthy.ts';
import { healthyHostRows } from './healthy-host.ts';
import { hostNetworkRows } from './host-network.ts';
import { installationRows } from './installations.ts';
import { jobProgramRows } from './job-programs.ts';
import { jobRows } from './jobs.ts';
import { localLimitRows } from './local-limits.ts';
import { neighbourRows } from './neighbours.ts';
import { networkRows } from './network.ts';
import { processRows } from './process.ts';
import { proxyRows } from './proxy.ts';
import { rateLimitRows } from './rate-limits.ts';
import { proxiedAddressRows } from './proxied-addresses.ts';
import { recordRows } from './record.ts';
import { recoveryRows } from './recovery.ts';
import { resourceRows } from './resources.ts';
import { nameServerRows } from './name-servers.ts';
import { shownResourceRows } from './resources-shown.ts';
import { slowRows } from './slow.ts';
import { tlsRows } from './tls.ts';
import { tokenRows } from './token.ts';
import { urlRows } from './url.ts';
import { verdictRows } from './verdict.ts';
import { watchInContainerRows } from './watch-in-container.ts';

export const ROWS: readonly Row[] = [
  ...tokenRows,
  ...urlRows,
  ...dnsRows,
  ...dnsHostRows,
  ...addressRows,
  ...addressTurnRows,
  ...proxiedAddressRows,
  ...networkRows,
  ...neighbourRows,
  ...firewallRows,
  ...proxyRows,
  ...gitlabRows,
  ...edgeRows,
  ...rateLimitRows,
  ...httpFormRows,
  ...slowRows,
  ...tlsRows,
  ...diskRows,
  ...resourceRows,
  ...shownResourceRows,
  ...localLimitRows,
  ...configRows,
  ...processRows,
  ...installationRows,
  ...executorRows,
  ...jobProgramRows,
  ...engineRows,
  ...engineRestartRows,
  ...containerMakerRows,
  ...containerSettingRows,
  ...hostNetworkRows,
  ...nameServerRows,
  ...podRows,
  ...clusterRows,
  ...watchInContainerRows,
  ...verdictRows,
  ...jobRows,
  ...recordRows,
  ...changeRows,
  ...recoveryRows,
  ...endRows,
  ...combinationRows,
  ...healthyRows,
  ...healthyHostRows,
];
