/** What is wrong with an entry's token without asking anybody? Such a token must not cause a request. */
import type { RunnerTarget } from '../core/target.ts';
import type { TokenFault, TokenJudgement } from './token-answer.ts';
import { hasValidChecksum, isSendable, tokenKind } from './token.ts';

export function judgeTokenShape({
  token,
  name,
  id,
  line,
}: RunnerTarget): TokenJudgement | undefined {
  const fail = (reason: TokenFault, text: string): TokenJudgement => ({
    status: 'fail',
    reason,
    detail: `the token of ${name} (${id}, line ${line} of config.toml) ${text}`,
  });
  switch (tokenKind(token)) {
    case 'blank':
      return fail('missing', 'is empty');
    case 'registration':
      return fail('registration-token', 'starts with GR, as registration tokens do');
    case 'other-kind':
      return fail('wrong-kind', 'has the prefix of another kind of token');
    case 'placeholder':
      return fail('wrong-kind', 'is a placeholder');
    case 'runner':
      if (!isSendable(token)) return fail('wrong-kind', 'has characters that a token cannot have');
      return hasValidChecksum(token)
        ? undefined
        : fail('checksum-mismatch', 'has a wrong checksum');
  }
}
