/** The line of a monitoring plug-in, whole. */
import { expect, test } from 'vitest';

import { pageOf } from '../../src/report/page/page.ts';
import { textOf } from '../../src/report/text/text.ts';
import { nagiosLine } from '../../src/report/nagios.ts';
import { fail, snapshotOf } from '../support/snapshots.ts';
import { brokenTrustView, viewOf } from '../support/views.ts';

test('state, summary, and what is measured, with the limits that judge it', () => {
  expect(nagiosLine(brokenTrustView())).toBe(
    "RUNNERWATCH CRITICAL - docker-1, docker-2, docker-3 get no jobs: the certificate of gitlab.example.com is signed by CN=Example Root CA, a certificate authority this host does not trust. 1 more cause. | causes=2;;;0 critical=1;;;0 connected=0;;;0;3 working=0;;;0;3 'dns https://gitlab.example.com/'=0.004s;;;0 'disk free_ratio /'=4%;5:;1:;0;100",
  );
});

test('no text of the outside ends the text or the label', () => {
  const findings = {
    disk: { ...fail('full', { path: "/x'|=\n" }), measures: { free_ratio: 0.001 } },
  };
  const line = nagiosLine(viewOf(snapshotOf(findings, { mounts: ["/x'|=\n"] })));

  expect(line.split('|')).toHaveLength(2);
  expect(line).not.toContain('\n');
  expect(line).toContain("'disk free_ratio /x___\uFFFD'=0.1%;5:;1:;0;100");
});

test.each([
  [2, '2 s before the fault began'],
  [0, 'just before the fault began'],
])('a change of %i s before says what it came before, everywhere', (secondsBefore, when) => {
  const view = brokenTrustView();
  const change = { at: 0, secondsBefore, what: 'routes', text: 'routes changed', explains: false };
  const causes = view.diagnosis.causes.map((cause) => ({ ...cause, changedBefore: [change] }));
  const changed = { ...view, diagnosis: { ...view.diagnosis, causes } };

  expect(nagiosLine(changed)).toContain(
    `Changed shortly before it began: routes changed (${when}).`,
  );
  expect(pageOf(changed)).toContain(`Changed shortly before it began: routes changed (${when}).`);
  expect(textOf(changed, { colour: false })).toMatch(
    new RegExp(`changed +routes changed \\(${when}\\)`),
  );
});
