/**
 * Does GitLab accept this entry's token?
 *
 * Source    First what the token itself shows. Then GET `api/v4/runners/router/discovery` with the header
 *           `Runner-Token`, which has no side effect. Only where GitLab is too old for that, POST
 *           `api/v4/runners/verify` with the host's own system id, at most once an hour (contract 8).
 * Measures  expiry_timestamp_seconds, from `token_expires_at`.
 * Reasons   what GitLab or the token itself said; see `reasons`. A 403 that is not GitLab's accuses nobody's token.
 * Unknown   no-system-id, verify-not-due: nothing could be asked without a side effect. token-error.
 */
import type { LinkTools, ReasonSpec } from '../core/probe.ts';
import { defineProbe } from '../core/probe.ts';
import type { RunnerTarget } from '../core/target.ts';
import { ExchangeError } from '../gitlab/exchange.ts';
import { hasValidChecksum, isSystemId, tokenKind } from '../gitlab/token.ts';
import type { TokenFault, TokenJudgement } from '../gitlab/token-answer.ts';
import { judgeTokenAnswer } from '../gitlab/token-answer.ts';

/** Less than the deadline, so that the probe itself can say "no answer". */
const ANSWER_SECONDS = 9;
const VERIFY_SECONDS = 3600;

const REASONS = {
  missing: {
    meaning: 'The entry has no token, so the runner skips it.',
    action: 'Put the runner’s authentication token into config.toml, or set the variable it names.',
  },
  'registration-token': {
    meaning: 'The entry holds a registration token, with which nobody can ask for jobs.',
    action: 'Create a runner in GitLab and put its glrt- token into config.toml.',
  },
  'wrong-kind': {
    meaning: 'The entry holds a token of another kind, or a placeholder.',
    action: 'Put the runner’s authentication token into config.toml.',
  },
  'checksum-mismatch': {
    meaning: 'The token was cut or mistyped: its checksum does not fit.',
    action: 'Copy the token again.',
  },
  rejected: {
    meaning: 'GitLab refuses the token.',
    action: 'Look for the runner in GitLab by its short token.',
  },
  expired: {
    meaning: 'The token has expired, and GitLab refuses it.',
    action: 'Reset the token, or take a new one from GitLab.',
  },
  orphaned: {
    meaning: 'The project or group of the runner was deleted.',
    action: 'Create a runner in an existing project or group and use its token.',
  },
  'read-only': {
    meaning: 'GitLab refuses to write: maintenance mode, or a read-only site.',
    action: 'Wait for the end of the maintenance; or point `url` at the primary site.',
  },
  'forbidden-by-edge': {
    meaning: 'Something before GitLab refuses the request; the token was not judged.',
    action: 'Allow the runner’s address on the way to GitLab’s API.',
  },
  migrations: {
    meaning: 'GitLab is migrating its database and asks runners to wait.',
    action: 'Wait.',
  },
  'too-many-requests': {
    meaning: 'GitLab limits the rate of requests (429).',
    action: 'Fewer runners behind this address or token.',
  },
  'server-error': {
    meaning: 'GitLab failed while it looked at the token (500).',
    action: 'Look at GitLab’s own log for the request id.',
  },
  unavailable: {
    meaning: 'GitLab is not available for this request (502, 503, 504).',
    action: 'Look at the health of GitLab.',
  },
  'expiring-soon': {
    meaning: 'The token is good, and expires soon.',
    action: 'Check that the runner may write config.toml, since it renews the token itself.',
  },
  'no-system-id': {
    meaning: 'GitLab is too old to be asked without a side effect, and this host has no system id.',
    action: 'Start gitlab-runner once, so that it writes .runner_system_id.',
  },
  'verify-not-due': {
    meaning:
      'GitLab is too old to be asked without a side effect, and was asked less than an hour ago.',
    action: 'Wait.',
  },
  'token-error': {
    meaning: 'The answer says nothing about the token.',
    action: 'Read the detail.',
  },
} as const satisfies Readonly<Record<TokenFault, ReasonSpec>>;

export const token = defineProbe({
  id: 'token',
  title: 'Runner token',
  question: 'Does GitLab accept this entry’s token?',
  kind: 'runner',
  needs: ['api'],
  intervalSeconds: 900,
  timeoutSeconds: 10,
  budgeted: true,
  options: {
    expiring_soon_seconds: {
      kind: 'number',
      default: 7 * 86_400,
      unit: 'seconds',
      min: 0,
      max: 365 * 86_400,
      help: 'A token that expires within this time is a warning.',
    },
  },
  reasons: REASONS,
  measures: {
    expiry_timestamp_seconds: {
      help: 'End of the token by token_expires_at in config.toml; absent when it does not expire.',
      as: { metric: 'token_expiry_timestamp_seconds', targetLabel: 'runner' },
    },
  },

  async run(target, options, tools) {
    const { tokenExpiresAt, name } = target;
    const measures =
      tokenExpiresAt === undefined ? {} : { expiry_timestamp_seconds: tokenExpiresAt / 1000 };
    const facts = { runner: target.id, name, line: target.line };
    const offline = withoutAsking(target);
    if (offline !== undefined) return { ...offline, measures, facts };
    const { judgement, ...rest } = await asked(target, tools);
    const common = { measures, facts, ...rest };
    if (judgement !== undefined) return { ...judgement, ...common };
    const left = (tokenExpiresAt ?? Infinity) - tools.clock.wall();
    if (left / 1000 > options.expiring_soon_seconds) return { status: 'pass', ...common };
    const detail = `the token of ${name} expires on ${new Date(tokenExpiresAt ?? 0).toISOString()}`;
    return { status: 'warn', reason: 'expiring-soon', detail, ...common };
  },
});

/** What needs no request, and must not cause one. */
function withoutAsking({
  token: secret,
  name,
  id,
  line,
}: RunnerTarget): TokenJudgement | undefined {
  const who = `the token of ${name} (${id}, line ${line} of config.toml)`;
  const fail = (reason: TokenFault, text: string): TokenJudgement => ({
    status: 'fail',
    reason,
    detail: `${who} ${text}`,
  });
  switch (tokenKind(secret)) {
    case 'blank':
      return fail('missing', 'is empty');
    case 'registration':
      return fail('registration-token', 'begins with GR, as registration tokens do');
    case 'other-kind':
      return fail('wrong-kind', 'has the prefix of another kind of token');
    case 'placeholder':
      return fail('wrong-kind', 'is a placeholder');
    case 'runner':
      return hasValidChecksum(secret)
        ? undefined
        : fail('checksum-mismatch', 'has a wrong checksum');
  }
}

/** What GitLab said; no judgement means that the token is good. */
interface Asked {
  readonly judgement?: TokenJudgement;
  readonly holdsSeconds?: number;
}

function unknown(reason: TokenFault, detail: string): Asked {
  return { judgement: { status: 'unknown', reason, detail } };
}

async function asked(target: RunnerTarget, tools: LinkTools): Promise<Asked> {
  const { walk, signal, ledger, clock } = tools;
  const { send } = walk;
  if (send === undefined) return unknown('token-error', 'there is no connection to speak on');
  const request = {
    method: 'GET',
    path: 'api/v4/runners/router/discovery',
    headers: { 'Runner-Token': target.token.reveal(), Accept: 'application/json' },
    timeoutSeconds: ANSWER_SECONDS,
  } as const;
  try {
    const answer = await send(request, signal);
    if (answer.status === 404) return await verified(target, tools, send);
    const judgement = judgeTokenAnswer(answer, { target, ledger, now: clock.wall() });
    return judgement === undefined ? {} : { judgement };
  } catch (error) {
    if (!(error instanceof ExchangeError)) throw error;
    return unknown('token-error', `GitLab gave no answer about the token: ${error.message}`);
  }
}

/** For a GitLab without the discovery request: verify, with the host's own system id or not at all. */
async function verified(
  target: RunnerTarget,
  { ledger, signal, clock }: LinkTools,
  send: NonNullable<LinkTools['walk']['send']>,
): Promise<Asked> {
  const { systemId, id, endpoint = id } = target;
  if (systemId === undefined || !isSystemId(systemId)) {
    const detail = `this GitLab can only be asked about ${id} with a system id, and .runner_system_id has none`;
    return unknown('no-system-id', detail);
  }
  if (!ledger.once(`verify:${id}`, VERIFY_SECONDS) || !ledger.take('verify', endpoint)) {
    return unknown('verify-not-due', `this GitLab is asked about ${id} at most once an hour`);
  }
  const body = JSON.stringify({ token: target.token.reveal(), system_id: systemId });
  const path = 'api/v4/runners/verify';
  const answer = await send({ method: 'POST', path, body, timeoutSeconds: ANSWER_SECONDS }, signal);
  const judgement = judgeTokenAnswer(answer, { target, ledger, now: clock.wall() });
  const holdsSeconds = VERIFY_SECONDS;
  return judgement === undefined ? { holdsSeconds } : { judgement, holdsSeconds };
}
