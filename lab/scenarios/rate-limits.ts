/** What the runner says of its own waits, in the words of 18.3 and later and in those before. */
import { hasLived } from '../observe.ts';
import type { Row } from '../scenario.ts';
import type { World } from '../world.ts';

const OPEN = 'o/o/n/o/o/o/o';
const URL = 'https://gitlab.test/api/v4/jobs/request';
const NEW = 'Waiting before making the next call';
const OLD = 'Sleeping due to rate limit';
const LONG_SECONDS = 12;
const SHORT_MILLISECONDS = 1500;

interface Said {
  readonly message: string;
  readonly duration: string | number;
  readonly everyMilliseconds: number;
}

/** Each line begins a wait, and the next one comes when it is over. */
async function waits({ daemon, runner, adopt }: World, said: Said): Promise<void> {
  await hasLived(daemon);
  const { message, duration, everyMilliseconds } = said;
  const context = 'ratelimit-requester-gitlab-request';
  const say = (): void =>
    void runner.appendLog('info', message, { context, duration, method: 'POST', url: URL });
  const timer = setInterval(say, everyMilliseconds);
  say();
  adopt({ [Symbol.asyncDispose]: async () => clearInterval(timer) });
}

const LONG = { everyMilliseconds: LONG_SECONDS * 1000 } as const;
const limited = { cause: 'gitlab-rate-limited', chain: OPEN } as const;
const MUST_NOT = ['unknown', 'monitor-throttled', 'runner-hung', 'gitlab-unavailable'];

export const rateLimitRows: readonly Row[] = [
  {
    id: 'G-31',
    title: 'each poll waits as a header asks, and the runner says how long',
    world: { logFormat: 'text' },
    inject: (world) => waits(world, { ...LONG, message: NEW, duration: `${LONG_SECONDS}s` }),
    expect: { ...limited, says: /the runner waits 12s before/ },
    mustNot: MUST_NOT,
  },
  {
    id: 'G-31b',
    title: 'the same in JSON, where the duration is in nanoseconds',
    world: { logFormat: 'json' },
    inject: (world) => waits(world, { ...LONG, message: NEW, duration: LONG_SECONDS * 1e9 }),
    expect: { ...limited, says: /the runner waits 12s before/ },
    mustNot: MUST_NOT,
  },
  {
    id: 'G-31c',
    title: 'a runner of before 18.3 sleeps after each 429',
    world: { logFormat: 'text' },
    inject: (world) => waits(world, { ...LONG, message: OLD, duration: `${LONG_SECONDS - 1}.98s` }),
    expect: { ...limited, says: /the runner waits 12s before/ },
    mustNot: MUST_NOT,
  },
  {
    id: 'Z-39',
    title: 'polls are repeated after a second, again and again',
    world: { logFormat: 'text' },
    act: (world) =>
      waits(world, { message: NEW, duration: '1.42s', everyMilliseconds: SHORT_MILLISECONDS }),
    allowed: [],
  },
];
