/** All rows of the lab, family by family. */
import type { Row } from '../scenario.ts';
import { dnsRows } from './dns.ts';

export const ROWS: readonly Row[] = [...dnsRows];
