/** What the Go of the runner, or GODEBUG of its process, reads otherwise: lookups, answers and urls. */
import { describe, expect, test } from 'vitest';

import { readRunnerText } from '../../src/config/runner/runner-config.ts';
import type { RunnerProcess } from '../../src/core/reading.ts';
import { targetsOf } from '../../src/discovery/targets.ts';
import { PACKAGED_PLACE } from '../../src/host/place/packaged.ts';
import { dns } from '../../src/probes/dns.ts';
import { http } from '../../src/probes/http.ts';
import { rootFolder, startDnsServer } from '../support/dns-server.ts';
import type { ScriptedReply } from '../support/http-server.ts';
import { endpointAt, startHttpServer, walkTo } from '../support/http-server.ts';
import { ENDPOINT } from '../support/probes.ts';
import { runProbe } from '../support/run-probe.ts';
import { runnerProcess } from '../support/runner-process.ts';

const CONFIG = '/etc/gitlab-runner/config.toml';

type Process = Pick<RunnerProcess, 'go' | 'environment'>;

function goOf(minor: number, GODEBUG = '', defaults: Record<string, string> = {}): Process {
  return { go: { text: `go1.${minor}.0`, minor, defaults }, environment: { GODEBUG } };
}

describe('a name server that answers no query with EDNS', () => {
  test.each<[string, Process, string]>([
    ['as Go sends it', goOf(26), 'fail'],
    ['where GODEBUG switches it off', goOf(26, 'netedns0=0'), 'pass'],
    ['where the program has it off', goOf(24, '', { netedns0: '0' }), 'pass'],
    ['where GODEBUG switches it on again', goOf(24, 'netedns0=1', { netedns0: '0' }), 'fail'],
    ['of a Go that does not know the setting', goOf(20, 'netedns0=0'), 'fail'],
  ])('%s', async (_what, process, expected) => {
    await using server = await startDnsServer((_name, type, _transport, hasEdns) => {
      if (hasEdns) return 'servfail';
      return type === 'A' ? ['192.0.2.5'] : [];
    });
    await using root = await rootFolder({
      '/etc/resolv.conf': 'nameserver 127.0.0.1\nsearch .\noptions timeout:1 attempts:1',
    });
    const tools = { paths: root.paths, dnsPort: server.port, process: runnerProcess(process) };

    expect((await runProbe(dns, ENDPOINT, { tools })).status).toBe(expected);
  });
});

const EMPTY: ScriptedReply = (socket) => {
  socket.end('HTTP/1.1 404 Not Found\r\nX-Gitlab-Meta: {}\r\nContent-Length: \r\n\r\n');
};

describe('an answer with an empty Content-Length', () => {
  test.each<[string, Process, string]>([
    ['is malformed', goOf(26), 'fail'],
    ['is malformed since Go 1.22', goOf(22), 'fail'],
    ['is read by an older Go', goOf(21), 'pass'],
    ['is read where GODEBUG says so', goOf(26, 'httplaxcontentlength=1'), 'pass'],
    ['is read where the program says so', goOf(24, '', { httplaxcontentlength: '1' }), 'pass'],
  ])('%s', async (_what, process, expected) => {
    await using server = await startHttpServer(() => EMPTY);
    await using path = await walkTo(server.port);
    const tools = { walk: path.walk, process: runnerProcess(process) };

    expect((await runProbe(http, endpointAt(server.port), { tools })).status).toBe(expected);
  });
});

test.each<[string, Process, readonly string[]]>([
  ['a Go before 1.26', goOf(25), ['[2001:db8::5]']],
  ['Go 1.26', goOf(26), []],
  ['Go 1.26, where GODEBUG wants it so', goOf(26, 'urlstrictcolons=0'), ['[2001:db8::5]']],
])('an IPv6 address without brackets is read by %s', (_what, process, hosts) => {
  const entry = 'url = "https://2001:db8::5:8443/"\ntoken = "glrt-t9Wkyj-HGRkqQcanary"';
  const { document, problems: read } = readRunnerText(`[[runners]]\n${entry}\n`, CONFIG);
  const { endpoints, problems } = targetsOf({
    document,
    reading: { path: CONFIG, foundBy: 'process-argument', readAt: 0, problems: read },
    process: runnerProcess(process),
    mounts: [],
    place: PACKAGED_PLACE,
    systemId: undefined,
  });

  expect(endpoints.map(({ url }) => url.hostname)).toEqual(hosts);
  expect(problems.length > 0).toBe(hosts.length === 0);
});
