/** The exposition of one fixed view, byte by byte, and as the tools of Prometheus read it. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import type { View } from '../../src/core/view.ts';
import type { Format } from '../../src/metrics/exporter.ts';
import { createExporter } from '../../src/metrics/exporter.ts';
import { ALL_PROBES } from '../../src/cli/all-probes.ts';
import { changeContext, CONFIG, GITLAB } from '../support/snapshots.ts';
import { brokenTrustView, withMeasures, viewOf } from '../support/views.ts';

const GOLDEN = new URL('../golden/metrics.txt', import.meta.url);

/** A view in which every metric has something to say. */
function fullView(): View {
  const { snapshot } = brokenTrustView();
  const configProblems = [
    { code: 'type-error', file: CONFIG, line: 4, message: 'cpus is a number', fix: 'Quote it.' },
  ];
  return viewOf(withMeasures(changeContext(snapshot, { configProblems })), {
    requests: [{ target: GITLAB, kind: 'http', count: 42 }],
  });
}

async function renderMetrics(format: Format): Promise<string> {
  const exporter = createExporter(ALL_PROBES);
  const view = fullView();
  for (const { check, finding } of view.snapshot.checks) {
    const result = { check: check.id, startedAt: 0, durationSeconds: 0.25, finding };
    exporter.observe(result, check.probe);
  }
  const { body } = await exporter.render(view, format);
  return body;
}

/** What differs between two processes on two machines. */
function maskVolatile(body: string): string {
  return body
    .replaceAll(/^((?:process|nodejs)_\w+) .*$/gm, '$1 0')
    .replaceAll(/node_version="[^"]*"/g, 'node_version="26"');
}

test('the exposition of a fixed view is the golden file (npm run golden writes it anew)', async () => {
  const body = maskVolatile(await renderMetrics('text'));
  if (process.env['UPDATE_GOLDEN'] !== undefined) await writeFile(GOLDEN, body);

  expect(body).toBe(await readFile(GOLDEN, 'utf8'));
});

test('promtool has nothing to say about it', async () => {
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input: await renderMetrics('text'),
    encoding: 'utf8',
  });

  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
});

test('Prometheus reads the OpenMetrics form, sample by sample', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'runnerwatch-openmetrics-'));
  try {
    // The importer of promtool is Prometheus' own parser; it wants a time for each sample.
    const body = (await renderMetrics('openmetrics')).replaceAll(/^([^#\n].*)$/gm, '$1 1764000000');
    const file = join(folder, 'metrics.om');
    await writeFile(file, body);
    const args = ['tsdb', 'create-blocks-from', 'openmetrics', file, join(folder, 'data')];
    const output = execFileSync('promtool', args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });

    expect(output).toMatch(/NUM SERIES/);
    expect(body.endsWith('# EOF\n')).toBe(true);
  } finally {
    await rm(folder, { recursive: true });
  }
});
