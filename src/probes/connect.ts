/**
 * Does the address answer on its port, dialled as the runner dials it?
 *
 * Source    go/dial/dial.ts over the addresses of the dns link. Through a proxy it is the proxy's port.
 *           Follow-ups measure packet loss and dial the other addresses.
 * Measures  connect_seconds (seconds, monotonic), failed_addresses (count).
 * Reasons   refused, timeout, prohibited, host-unreachable, no-route, no-local-port, invalid-port.
 * Unknown   too-many-files and connect-error: they say something about this process, not about the path.
 */
import { CHANGES_OF_NAME, CHANGES_OF_ROUTE } from '../core/change.ts';
import type { Fact, Finding } from '../core/finding.ts';
import { dataWith } from '../core/finding-data.ts';
import type { Attempt } from '../core/lookup.ts';
import type { MeasureSpec } from '../core/probe.ts';
import type { Address } from '../core/probe.ts';
import { defineProbe } from '../core/probe.ts';
import type { EndpointTarget } from '../core/target.ts';
import type { DialOptions, DialResult } from '../go/dial/dial.ts';
import { dialLikeGo } from '../go/dial/dial.ts';
import { RUNNER_WAITS_SECONDS } from '../core/runner-patience.ts';
import { firstHopOf } from '../go/dial/first-hop.ts';
import {
  ATTEMPTS,
  attemptsText,
  DIAL_REASONS,
  dialFaultOf,
  isFailed,
  isSudden,
} from '../go/dial/dial-judgement.ts';
import { handOver } from '../go/dial/hand-over.ts';
import { ownFamilies } from '../host/net/own-addresses.ts';
import { findClosedRoute } from '../host/net/routes.ts';

/** Less than the deadline, so that the probe itself can report "timed out". */
const DIAL_SECONDS = 5;

const MEASURES = {
  connect_seconds: {
    measurement: 'responseTime',
    help: 'Time until the first address accepted the connection.',
    as: { metric: 'path_phase_seconds', labels: { phase: 'connect' } },
  },
  failed_addresses: { help: 'Number of addresses that were tried and failed.' },
} satisfies Readonly<Record<string, MeasureSpec>>;

type ConnectFinding = Finding<keyof typeof DIAL_REASONS, keyof typeof MEASURES>;

export const connect = defineProbe({
  id: 'connect',
  title: 'TCP connection',
  question: 'Does the address accept a connection on its port, dialled like the runner does?',
  kind: 'endpoint',
  changedBy: [...CHANGES_OF_NAME, ...CHANGES_OF_ROUTE],
  needs: ['dns'],
  intervalSeconds: 15,
  timeoutSeconds: 6,
  patience: {
    reasons: ['timeout'],
    ownSeconds: DIAL_SECONDS,
    runnerSeconds: RUNNER_WAITS_SECONDS.dial,
  },
  options: {},
  reasons: DIAL_REASONS,
  measures: MEASURES,

  async run(target, _options, { clock, signal, walk, paths }): Promise<ConnectFinding> {
    const { host, port, of } = firstHopOf(target);
    const deps = { clock, signal, timeoutSeconds: DIAL_SECONDS };
    const { connect_seconds, socket, address, attempts } = await dialTwice(
      walk.addresses ?? [],
      port,
      deps,
    );
    const facts = { host, port, of };
    walk.attempts = attempts;
    if (socket === undefined || address === undefined) {
      const dialled = attempts.map((attempt) => attempt.address.address);
      const closed = await findClosedRoute(dialled, paths);
      const failed = noAddress(attempts, facts, { connect_seconds }, closed);
      const valueFacts = isOfValue(failed) ? proxyFacts(target) : {};
      return { ...failed, facts: { ...failed.facts, ...valueFacts } };
    }
    handOver(walk, socket, address, port, deps);
    const failed_addresses = attempts.filter((attempt) => isFailed(attempt)).length;
    return {
      status: 'pass',
      measures: { connect_seconds, failed_addresses },
      facts: { ...facts, attempts: attemptsText(attempts), address: address.address },
      data: dataWith(ATTEMPTS, attempts),
    };
  },
});

/** The kernel gives up a neighbour that does not answer after that. */
const NEIGHBOUR_SECONDS = 3.5;

/** A sudden end may be that of a neighbour that another program waited for: the second dial waits for it from the beginning. */
async function dialTwice(
  addresses: readonly Address[],
  port: number,
  deps: DialOptions,
): Promise<DialResult & { readonly connect_seconds: number }> {
  const dial = async (timeoutSeconds: number): ReturnType<typeof dialTwice> => {
    const start = deps.clock.seconds();
    const dialled = await dialLikeGo(addresses, port, { ...deps, timeoutSeconds });
    return { ...dialled, connect_seconds: deps.clock.seconds() - start };
  };
  const dialled = await dial(deps.timeoutSeconds);
  const [first] = dialled.attempts;
  const isDoubtful = dialled.socket === undefined && first !== undefined && isSudden(first);
  const left = deps.timeoutSeconds - dialled.connect_seconds;
  return isDoubtful && left > NEIGHBOUR_SECONDS ? await dial(left) : dialled;
}

/** A port that cannot exist is the fault of the proxy variable's value. */
function isOfValue(finding: ConnectFinding): boolean {
  return finding.status === 'fail' && finding.reason === 'invalid-port';
}

function proxyFacts({ proxy }: EndpointTarget): Readonly<Record<string, Fact>> {
  if (proxy.kind !== 'proxy') return {};
  return { proxy: `${proxy.host}:${proxy.port}`, variable: proxy.variable };
}

function noAddress(
  attempts: readonly Attempt[],
  firstHop: Readonly<Record<string, Fact>>,
  times: ConnectFinding['measures'],
  /** Why this host itself lets nothing go there. */
  closed: string | undefined,
): ConnectFinding {
  const [first] = attempts;
  const reason = closed === undefined ? dialFaultOf(first, ownFamilies()) : 'no-route';
  const status = reason === 'connect-error' || reason === 'too-many-files' ? 'unknown' : 'fail';
  const said = attemptsText(attempts);
  const ends = [said === '' ? 'no address to dial' : said, closed].filter(Boolean).join('; ');
  const detail = `${firstHop['host']} port ${firstHop['port']}: ${ends}`;
  const measures = { ...times, failed_addresses: attempts.filter((one) => isFailed(one)).length };
  const facts = { ...firstHop, attempts: said, address: first?.address.address ?? '' };
  return { status, reason, detail, measures, facts, data: dataWith(ATTEMPTS, attempts) };
}
