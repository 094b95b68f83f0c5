/** Rows that need GitLab's API record of the runner: an API token is given. */
import { ON_RECORD, recordAnswers } from '../peers/record.ts';
import type { Row } from '../scenario.ts';

const OPEN = 'o/o/n/o/o/o/o';

export const recordRows: readonly Row[] = [
  {
    id: 'T-08',
    title: 'the runner is paused, and an API token is given',
    world: ON_RECORD,
    inject: ({ answers }) => answers(recordAnswers({ isPaused: true })),
    expect: { cause: 'runner-paused', severity: 'info', chain: OPEN },
    mustNot: ['token-rejected', 'runner-hung', 'jobs-no-matching-runner'],
  },
  {
    id: 'T-09',
    title: 'two hosts share one system id',
    world: ON_RECORD,
    inject: ({ answers }) => {
      let asked = 0;
      const address = (): string => `203.0.113.${(asked += 1) % 2}`;
      answers(recordAnswers({ address }));
    },
    expect: { cause: 'system-id-clash', severity: 'warning', chain: OPEN },
    needsHistory: true,
    mustNot: ['token-rejected'],
    // It has been seen; only a new daemon knows nothing of it.
    startsBroken: true,
  },
  {
    id: 'J-05',
    title: 'a job waits for a tag that the runner does not have, and an API token is given',
    world: ON_RECORD,
    inject: ({ answers }) => answers(recordAnswers({ waiting: ['gpu'] })),
    expect: { cause: 'jobs-no-matching-runner', severity: 'info', chain: OPEN, says: /gpu/ },
    mustNot: ['runner-hung'],
  },
];
