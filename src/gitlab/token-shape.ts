/** What is wrong with an entry's token, before any request? Such a token must not cause one. */
import type { RunnerTarget } from '../core/target.ts';
import type { TokenFault, TokenJudgement } from './token-answer.ts';
import type { TokenFormatFault } from './token.ts';
import { TOKEN_FORMAT_FAULTS, tokenFormatFault } from './token.ts';

const REASONS: Readonly<Record<TokenFormatFault, TokenFault>> = {
  blank: 'missing',
  registration: 'registration-token',
  'other-kind': 'wrong-kind',
  placeholder: 'wrong-kind',
  characters: 'wrong-kind',
  checksum: 'checksum-mismatch',
};

export function judgeTokenShape({
  token,
  name,
  id,
  line,
}: RunnerTarget): TokenJudgement | undefined {
  const fault = tokenFormatFault(token);
  return fault === undefined
    ? undefined
    : {
        status: 'fail',
        reason: REASONS[fault],
        detail: `the token of ${name} (${id}, line ${line} of config.toml) ${TOKEN_FORMAT_FAULTS[fault]}`,
      };
}
