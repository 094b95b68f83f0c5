/** All rows of the lab, family by family. */
import type { Row } from '../scenario.ts';
import { dnsRows } from './dns.ts';
import { gitlabRows } from './gitlab.ts';
import { proxyRows } from './proxy.ts';
import { tlsRows } from './tls.ts';

export const ROWS: readonly Row[] = [...dnsRows, ...tlsRows, ...gitlabRows, ...proxyRows];
