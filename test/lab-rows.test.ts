/** The rows of the lab as a list. */
import { expect, test } from 'vitest';

import { ROWS } from '../lab/scenarios/index.ts';

test('each row has an id of its own, by which it is run and told apart in the results', () => {
  const ids = ROWS.map(({ id }) => id);
  expect(ids.filter((id, nth) => ids.indexOf(id) !== nth)).toEqual([]);
});
