/** The list of probes, one line each: the links of the walk in their order, the tokens last. */
import type { Probe } from '../core/probe.ts';
import { api } from './api.ts';
import { cgroup } from './cgroup.ts';
import { config } from './config.ts';
import { connect } from './connect.ts';
import { cpu } from './cpu.ts';
import { disk } from './disk.ts';
import { dns } from './dns.ts';
import { executor } from './executor.ts';
import { http } from './http.ts';
import { jobPrograms } from './job-programs.ts';
import { kubernetes } from './kubernetes.ts';
import { limits } from './limits.ts';
import { memory } from './memory.ts';
import { proxy } from './proxy.ts';
import { runnerLog } from './runner-log.ts';
import { runnerMetrics } from './runner-metrics.ts';
import { record } from './record.ts';
import { service } from './service.ts';
import { tls } from './tls.ts';
import { token } from './token.ts';

export const PROBES: readonly Probe[] = [
  dns,
  connect,
  proxy,
  tls,
  http,
  api,
  token,
  record,
  config,
  service,
  runnerLog,
  runnerMetrics,
  limits,
  cgroup,
  executor,
  jobPrograms,
  kubernetes,
  disk,
  cpu,
  memory,
];
