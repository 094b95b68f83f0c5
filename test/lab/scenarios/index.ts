/** All rows of the lab, family by family. */
import type { Row } from '../scenario.ts';
import { combinationRows } from './combinations.ts';
import { configRows } from './config-file.ts';
import { moreConfigRows } from './config-more.ts';
import { dnsRows } from './dns.ts';
import { executorRows } from './executor.ts';
import { gitlabRows } from './gitlab.ts';
import { healthyRows } from './healthy.ts';
import { healthyHostRows } from './healthy-host.ts';
import { jobRows } from './jobs.ts';
import { networkRows } from './network.ts';
import { processRows } from './process.ts';
import { moreProcessRows } from './process-more.ts';
import { proxyRows } from './proxy.ts';
import { recordRows } from './record.ts';
import { resourceRows } from './resources.ts';
import { shownResourceRows } from './resources-shown.ts';
import { tlsRows } from './tls.ts';
import { moreTlsRows } from './tls-more.ts';
import { tokenRows } from './token.ts';

export const ROWS: readonly Row[] = [
  ...tokenRows,
  ...dnsRows,
  ...networkRows,
  ...proxyRows,
  ...gitlabRows,
  ...tlsRows,
  ...moreTlsRows,
  ...resourceRows,
  ...shownResourceRows,
  ...configRows,
  ...moreConfigRows,
  ...processRows,
  ...moreProcessRows,
  ...executorRows,
  ...jobRows,
  ...recordRows,
  ...combinationRows,
  ...healthyRows,
  ...healthyHostRows,
];
