/** What rules need of a line, read once where the line is classified. */
import type { FindingData } from '../../core/finding-data.ts';
import { dataKey, dataWith } from '../../core/finding-data.ts';
import { parseVersion, RUNNER_VERSION } from '../../core/product-version.ts';
import type { LogLine } from './log-line.ts';

interface DialledAddress {
  readonly address: string;
  readonly port: number;
}

interface DialledProxy {
  /** Address and port, as Go writes them. */
  readonly authority: string;
  /** Without brackets. */
  readonly address: string;
  readonly port: number;
}

/** The response to a poll. */
interface PollResponse {
  readonly status: number;
  /** The runner logs the request with it only for a response of an API. */
  readonly isJson: boolean;
  /** It has a correlation id of GitLab's own kind. */
  readonly isFromGitLab: boolean;
  readonly isMaintenance: boolean;
}

/** The address that did not accept the connection. */
export const DIALLED = dataKey<DialledAddress>('dialled');
/** The name server that did not answer. */
export const NAME_SERVER = dataKey<string>('name-server');
/** The proxy that did not accept the connection. */
export const DIALLED_PROXY = dataKey<DialledProxy>('dialled-proxy');
/** The runner rejected the certificate of the server. */
export const CERTIFICATE_REJECTED = dataKey<true>('certificate-rejected');
export const POLL_RESPONSE = dataKey<PollResponse>('poll-response');
/** A 403 for the output of a job, with neither the state of the job nor a correlation id: it may not be GitLab's. */
export const UNSIGNED_REJECTION = dataKey<true>('unsigned-rejection');
/** The line has a date of its own. */
export const IS_DATED = dataKey<true>('is-dated');
/** Jobs that run, where the line counts them. */
export const RUNNING_JOBS = dataKey<number>('running-jobs');

/** `rest`: the message, and the fields that explain it. */
export type LineReader = (line: LogLine, rest: string) => FindingData;

const NOTHING: FindingData = {};

/** `dial tcp 10.0.0.2:443: …` */
const DIAL = /dial tcp \[?(?<address>[\d.a-f:]+?)\]?:(?<port>\d+):/;
/** `lookup gitlab.example.com on 10.0.0.2:53: …` */
const LOOKUP = /lookup \S+ on \[?(?<server>[\d.a-f:]+?)\]?:53:/;

/** Where the packets of a failed connection went. */
export const readPackets: LineReader = (_line, rest) => {
  const { address, port } = DIAL.exec(rest)?.groups ?? {};
  const server = LOOKUP.exec(rest)?.groups?.['server'];
  return {
    ...(address === undefined ? NOTHING : dataWith(DIALLED, { address, port: Number(port) })),
    ...(server === undefined ? NOTHING : dataWith(NAME_SERVER, server)),
  };
};

const PROXY_DIAL =
  /proxyconnect tcp: .*?dial tcp (?<authority>\[?(?<address>[^\s\]]+)\]?:(?<port>\d+)): /;

export const readProxy: LineReader = (_line, rest) => {
  const { authority, address, port } = PROXY_DIAL.exec(rest)?.groups ?? {};
  if (authority === undefined || address === undefined) return NOTHING;
  return dataWith(DIALLED_PROXY, { authority, address, port: Number(port) });
};

export const readCertificate: LineReader = () => dataWith(CERTIFICATE_REJECTED, true);

/** `404 Not Found`, or `POST https://gitlab.example.com/api/v4/jobs/request: 404 Not Found`. */
const RESPONSE = /(?<request>POST https?:\S+: )?\b(?<status>[1-5]\d\d) [A-Z]/;
/** GitLab's own kind of correlation id. */
const ULID = /^[0-9A-HJKMNP-TV-Z]{26}$/;

/** Status of the response that a line is about, in the log or by a counter. */
export const RESPONSE_STATUS = dataKey<number>('response-status');

/** Every line with such a status. */
export const readStatus: LineReader = ({ fields }) => {
  const { status } = RESPONSE.exec(fields['status'] ?? '')?.groups ?? {};
  return status === undefined ? NOTHING : dataWith(RESPONSE_STATUS, Number(status));
};

export const readResponse: LineReader = ({ fields }, rest) => {
  const { request, status } = RESPONSE.exec(fields['status'] ?? '')?.groups ?? {};
  if (status === undefined) return NOTHING;
  return dataWith(POLL_RESPONSE, {
    status: Number(status),
    isJson: request !== undefined,
    isFromGitLab: ULID.test(fields['correlation_id'] ?? ''),
    isMaintenance: /maintenance|read-only/i.test(rest),
  });
};

export const readRejection: LineReader = ({ message, fields }) => {
  const { status, 'job-status': jobStatus = '', correlation_id: id = '' } = fields;
  const isOfOutput = message.startsWith('Appending trace');
  return isOfOutput && status === '403 Forbidden' && jobStatus === '' && id === ''
    ? dataWith(UNSIGNED_REJECTION, true)
    : NOTHING;
};

/** The first line of a process. */
export const readVersion: LineReader = ({ fields }) => {
  const version = parseVersion(fields['version'] ?? '');
  return version === undefined ? NOTHING : dataWith(RUNNER_VERSION, version);
};

/** Many kinds of lines count the jobs that run. */
export const readJobCount: LineReader = ({ fields }) => {
  const count = Number.parseInt(fields['builds'] ?? '', 10);
  return Number.isNaN(count) ? NOTHING : dataWith(RUNNING_JOBS, count);
};
