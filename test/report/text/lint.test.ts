/** What the linter found, for those who read: metrics, the text of `check`, the document, the page. */
import { expect, test } from 'vitest';

import { createExporter } from '../../../src/metrics/exporter.ts';
import { ALL_PROBES } from '../../../src/cli/all-probes.ts';
import { watchedFromContainer } from '../../../src/host/place/beside.ts';
import { PACKAGED_PLACE } from '../../../src/host/place/packaged.ts';
import { reportOf } from '../../../src/report/document.ts';
import { pageOf } from '../../../src/report/page/page.ts';
import { textOf } from '../../../src/report/text/text.ts';
import { seriesOf } from '../../support/exposition.ts';
import { twoEntries, withLint } from '../../support/lint-findings.ts';
import { snapshotOf } from '../../support/snapshots.ts';
import { viewOf } from '../../support/views.ts';

const TEXT = twoEntries(
  '  executor = "docker"\n  tags = ["<b>"]\n  limit = 9\n',
  'concurrent = 4\nlog_level = "debug"\n',
);
const view = viewOf(withLint(snapshotOf(), TEXT));
const silent = viewOf(withLint(snapshotOf(), twoEntries('')));

async function series(name: string, of = view): Promise<readonly string[]> {
  const { body } = await createExporter(ALL_PROBES).render(of, 'text');
  return seriesOf(body)
    .filter((one) => one.name === `runnerwatch_${name}`)
    .map(({ labels, value }) => `${labels['rule'] ?? ''} ${labels['severity']} ${value}`.trim());
}

test('findings are counted by severity, zero as well, and named by rule while they are there', async () => {
  expect(await series('lint_findings')).toEqual(['error 1', 'warning 3', 'info 0']);
  expect(await series('lint_finding_info')).toEqual([
    'G14 warning 1',
    'X02 error 1',
    'P13 warning 1',
    'G04 warning 1',
  ]);
  expect(await series('lint_findings', silent)).toEqual(['error 0', 'warning 0', 'info 0']);
  expect(await series('lint_finding_info', silent)).toEqual([]);
});

test('the text of check names the worst ones, and where to read the rest', () => {
  const text = textOf(view, { colour: false, width: 100 });

  expect(text).toContain(
    [
      'config.toml',
      '  error X02  line 3: entry "docker-1" has executor docker and no [runners.docker]',
      '  warning G14  line 2: log_level is "debug"',
      '  warning P13  line 9: runners.tags is unknown to the runner: it is set in GitLab, on the page of',
    ].join('\n'),
  );
  expect(text).toContain('\n  sudo runnerwatch lint /etc/gitlab-runner/config.toml\n');
  expect(textOf(silent, { colour: false })).not.toContain('\nconfig.toml\n');
});

test('where runnerwatch is in a container, no command for the host starts it', () => {
  const place = watchedFromContainer(PACKAGED_PLACE);
  const inside = viewOf(withLint(snapshotOf({}, { place }), TEXT));
  const said = [textOf(inside, { colour: false, width: 100 }), pageOf(inside)];

  for (const text of said) {
    expect(text).toContain('X02');
    expect(text).not.toContain('runnerwatch lint');
  }
});

test('the document has every finding', () => {
  expect(reportOf(view).lint).toMatchObject({
    judged: true,
    findings: [{ rule: 'G14' }, { rule: 'X02' }, { rule: 'P13' }, { rule: 'G04' }],
  });
  expect(reportOf(viewOf(snapshotOf()))).not.toHaveProperty('lint');
});

test('the page has a table of them, escaped, and none where nothing was found', () => {
  const page = pageOf(view);

  expect(page).toContain('<h2 id="lint">config.toml</h2>');
  expect(page).toContain('X02');
  expect(page).not.toContain('<b>"');
  expect(pageOf(silent)).not.toContain('id="lint"');
});
