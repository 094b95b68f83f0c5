/** Two installations of the runner on one host: each is watched, and the fault of one is not that of the other. */
import type { FaultRow, Row } from '../scenario.ts';
import { configText, SYSTEM_ID, usualEntry } from '../runner-config.ts';
import type { World, WorldOptions } from '../world.ts';

const CONFIG = '/srv/second/config.toml';
const SECOND = usualEntry({ name: 'second-1' });

const OPEN = 'o/o/n/o/o/o/o';

let second: AsyncDisposable | undefined;

/** With a log of its own, as its unit would have. */
async function startSecond({ runner, gitlab, adopt }: World): Promise<void> {
  gitlab.application.tokens.add(SECOND.token);
  second = await runner.twin(CONFIG, '/var/log/second.log');
  adopt(second);
}

const TWO: WorldOptions = {
  daemon: { findsConfig: true },
  files: () => ({
    [CONFIG]: configText([SECOND]),
    '/srv/second/.runner_system_id': SYSTEM_ID,
    '/var/log/second.log': '',
  }),
  before: startSecond,
};

const FIRST_IS_FINE: FaultRow['expect']['runners'] = {
  'shell-1': { cause: 'none', chain: OPEN },
};

export const installationRows: readonly Row[] = [
  {
    id: 'I-01',
    title: 'one of two installations loses GitLab, the other does not',
    world: TWO,
    inject: ({ files }) => files.edit(CONFIG, 'https://gitlab.test/', 'https://gitlab-old.test/'),
    expect: {
      cause: 'dns-name-not-found',
      severity: 'critical',
      runners: {
        ...FIRST_IS_FINE,
        'second-1': { cause: 'dns-name-not-found', chain: 'F/s/n/s/s/s/s' },
      },
    },
    runnerLogs: 'nothing',
    mustNot: ['runner-not-running', 'config-unread', 'unknown'],
  },
  {
    id: 'I-02',
    title: 'the process of one of two installations ends, and nothing starts it again',
    world: TWO,
    inject: async () => await second?.[Symbol.asyncDispose](),
    recover: startSecond,
    expect: {
      cause: 'runner-not-running',
      severity: 'critical',
      runners: { ...FIRST_IS_FINE, 'second-1': { cause: 'runner-not-running' } },
      says: /--config \/srv\/second\/config\.toml/,
    },
    runnerLogs: 'nothing',
    needsHistory: true,
    mustNot: ['runner-two-processes', 'config-unread', 'unknown'],
  },
];
