/** A reload applies a setting, or says that it needs a restart: every setting does one of the two. */
import { describe, expect, test } from 'vitest';

import { ALL_PROBES } from '../../../src/cli/all-probes.ts';
import { SettingsReloader } from '../../../src/config/settings/reloader.ts';
import type { GeneralSetting } from '../../../src/config/settings/schema.ts';
import { GENERAL_SETTINGS, probeSettings } from '../../../src/config/settings/schema.ts';
import { defaultSettings, loadSettings } from '../../../src/config/settings/settings.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { createLog } from '../../../src/log.ts';

const DEFAULTS = defaultSettings(ALL_PROBES);

/** Another value than the one in use. */
function otherValue(setting: GeneralSetting): unknown {
  switch (setting.kind) {
    case 'number':
      return setting.max;
    case 'boolean':
      return !setting.default;
    case 'texts':
      return ['127.0.0.1:1'];
    case 'text':
      return setting.choices?.at(-1) ?? '/other/path';
  }
}

/** What a reload of this file says and does. */
async function reload(...texts: readonly string[]) {
  const lines: string[] = [];
  const log = createLog({
    level: 'info',
    format: 'logfmt',
    sink: { write: (line) => lines.push(line) },
  });
  const files = [...texts];
  const reloader = new SettingsReloader({
    settings: DEFAULTS,
    clock: systemClock,
    log,
    loadSettings: async () => {
      const { settings, problems } = loadSettings(files.shift() ?? '', 'own.toml', ALL_PROBES);
      return { settings, problems: problems.map(({ message }) => message) };
    },
  });
  let event;
  while (files.length > 0) ({ event } = await reloader.reload());
  return { reloader, log, event, output: lines.join('') };
}

function fileWith(name: string, value: unknown): string {
  const [section, key] = name.split('.');
  return `[${section}]\n${key} = ${JSON.stringify(value)}\n`;
}

describe.each(GENERAL_SETTINGS)('$name', (setting) => {
  const { name, property, applies } = setting;
  const value = otherValue(setting);

  test(`applies ${applies}`, async () => {
    const { reloader, event, output } = await reload(fileWith(name, value));
    const isNamed = applies === 'after-restart';

    expect(reloader.state().needRestart).toEqual(isNamed ? [name] : []);
    expect(output.includes('restart runnerwatch to apply these settings')).toBe(isNamed);
    expect(output.includes(`"[\\"${name}\\"]"`)).toBe(isNamed);
    expect(event?.text).toBe(isNamed ? `restart runnerwatch to apply ${name}` : 'as asked');
    expect({ ...reloader.current() }).toMatchObject({ [property]: value });
  });

  test('that is as it was at the start needs nothing', async () => {
    const { reloader } = await reload(fileWith(name, value), '');

    expect(reloader.state().needRestart).toEqual([]);
  });
});

test('a file that does not load keeps what is said of the one before', async () => {
  const { reloader } = await reload('[web]\nlisten_addresses = [":1"]\n', '[web]\nno = 1\n');

  expect(reloader.state()).toMatchObject({
    successful: false,
    needRestart: ['web.listen_addresses'],
  });
});

test('the level of the log is the new one at once', async () => {
  const { log } = await reload('[log]\nlevel = "error"\n');

  expect(log.level).toBe('error');
});

test.each(ALL_PROBES)('all settings of the probe $id apply at a reload', async (probe) => {
  const table = Object.entries(probeSettings(probe));
  const lines = table.map(([key, option]) => {
    const value = option.kind === 'number' ? option.max : !option.default;
    return `${key} = ${value}`;
  });
  const { reloader } = await reload(`[probes.${probe.id}]\n${lines.join('\n')}\n`);
  const { enabled, intervalSeconds, timeoutSeconds, options } =
    reloader.current().probes[probe.id] ?? {};
  const values = table.map(([, option]) =>
    option.kind === 'number' ? option.max : !option.default,
  );

  expect(reloader.state().needRestart).toEqual([]);
  expect([enabled, intervalSeconds, timeoutSeconds, ...Object.values(options ?? {})]).toEqual(
    values,
  );
});
