/**
 * Writes the pages that are generated from the program's own tables. With `--check` it writes nothing and reports
 * which page is out of date; that is part of `npm run check`.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { exampleSettings } from '../src/config/settings/example.ts';
import { ALL_PROBES } from '../src/cli/all-probes.ts';
import { alertsPage } from './docs/alerts-page.ts';
import { causesPage } from './docs/causes-page.ts';
import { configurationPage } from './docs/configuration-page.ts';
import { lintPage } from './docs/lint-page.ts';
import { metricsPage } from './docs/metrics-page.ts';
import { probesPage } from './docs/probes-page.ts';
import { timingPage } from './docs/timing-page.ts';

const ROOT = join(import.meta.dirname, '..');

const PAGES: Readonly<Record<string, string>> = {
  'docs/alerts.md': alertsPage(),
  'docs/causes.md': causesPage(),
  'docs/configuration.md': configurationPage(ALL_PROBES),
  'docs/lint.md': lintPage(),
  'docs/metrics.md': metricsPage(ALL_PROBES),
  'docs/probes.md': probesPage(ALL_PROBES),
  'docs/timing.md': timingPage(ALL_PROBES),
  'deploy/runnerwatch.example.toml': exampleSettings(ALL_PROBES),
};

const old = Object.entries(PAGES).filter(([name, text]) => {
  const file = join(ROOT, name);
  return !existsSync(file) || readFileSync(file, 'utf8') !== text;
});

if (process.argv.includes('--check')) {
  for (const [name] of old)
    process.stderr.write(`${name} is not what the sources say; type: npm run docs\n`);
  process.exitCode = old.length === 0 ? 0 : 1;
} else {
  for (const [name, text] of old) writeFileSync(join(ROOT, name), text);
}
