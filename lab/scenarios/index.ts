/** All rows of the lab, family by family. */
import type { Row } from '../scenario.ts';
import { combinationRows } from './combinations.ts';
import { moreCombinationRows } from './combinations-more.ts';
import { configRows } from './config-file.ts';
import { moreConfigRows } from './config-more.ts';
import { dnsRows } from './dns.ts';
import { moreDnsRows } from './dns-more.ts';
import { moreEdgeRows } from './edge-more.ts';
import { executorRows } from './executor.ts';
import { moreExecutorRows } from './executor-more.ts';
import { gitlabRows } from './gitlab.ts';
import { moreGitlabRows } from './gitlab-more.ts';
import { healthyRows } from './healthy.ts';
import { healthyHostRows } from './healthy-host.ts';
import { jobRows } from './jobs.ts';
import { networkRows } from './network.ts';
import { moreNetworkRows } from './network-more.ts';
import { processRows } from './process.ts';
import { moreProcessRows } from './process-more.ts';
import { proxyRows } from './proxy.ts';
import { moreProxyRows } from './proxy-more.ts';
import { recordRows } from './record.ts';
import { resourceRows } from './resources.ts';
import { moreResourceRows } from './resources-more.ts';
import { shownResourceRows } from './resources-shown.ts';
import { tlsRows } from './tls.ts';
import { moreTlsRows } from './tls-more.ts';
import { tokenRows } from './token.ts';
import { moreTokenRows } from './token-more.ts';

export const ROWS: readonly Row[] = [
  ...tokenRows,
  ...moreTokenRows,
  ...dnsRows,
  ...moreDnsRows,
  ...networkRows,
  ...moreNetworkRows,
  ...proxyRows,
  ...moreProxyRows,
  ...gitlabRows,
  ...moreGitlabRows,
  ...moreEdgeRows,
  ...tlsRows,
  ...moreTlsRows,
  ...resourceRows,
  ...shownResourceRows,
  ...moreResourceRows,
  ...configRows,
  ...moreConfigRows,
  ...processRows,
  ...moreProcessRows,
  ...executorRows,
  ...moreExecutorRows,
  ...jobRows,
  ...recordRows,
  ...combinationRows,
  ...moreCombinationRows,
  ...healthyRows,
  ...healthyHostRows,
];
