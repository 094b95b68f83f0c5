/** docs/configuration.md: flags and settings, from the tables that parse them. */
import { COMMANDS, GENERAL } from '../../src/cli/command-table.ts';
import type { FlagSpec } from '../../src/cli/command-table.ts';
import type { Setting, SettingTable } from '../../src/config/settings/schema.ts';
import { needsRestart, probeSettings, SECTIONS } from '../../src/config/settings/schema.ts';
import type { Probe } from '../../src/core/probe.ts';
import { code, head, table } from './markdown.ts';

export function configurationPage(probes: readonly Probe[]): string {
  return [
    ...head('Configuration', '`src/cli/command-table.ts` and `src/config/settings/schema.ts`'),
    "Nothing must be configured: runnerwatch finds the runner's `config.toml` by itself. A flag overrides its key in the",
    'settings file, which overrides the default. `deploy/runnerwatch.example.toml` has every key.',
    '',
    '## Commands',
    '',
    ...table(
      ['command', 'what it does'],
      Object.values(COMMANDS).map(({ usage, help }) => [code(usage), help]),
    ),
    '## Flags',
    '',
    ...table(
      ['flag', 'default', 'meaning'],
      Object.entries<FlagSpec>({ ...COMMANDS.serve.flags, ...GENERAL }).map(([name, flag]) => [
        code(flag.value === undefined ? `--${name}` : `--${name} ${flag.value}`),
        flag.default === undefined ? '' : code(flag.default),
        flag.help,
      ]),
    ),
    '## Settings file',
    '',
    ...Object.entries(SECTIONS).flatMap(([name, settings]) => section(name, settings)),
    ...probes.flatMap((probe) => section(`probes.${probe.id}`, probeSettings(probe))),
  ].join('\n');
}

function section(name: string, settings: SettingTable): readonly string[] {
  return [
    `### [${name}]`,
    '',
    ...table(
      ['key', 'default', 'unit', 'range', 'applies', 'meaning'],
      Object.entries(settings).map(([key, setting]) => [
        code(key),
        ...shape(setting),
        needsRestart(setting) ? 'after a restart' : 'at a reload',
        setting.help,
      ]),
    ),
  ];
}

/** Default, unit and range of a setting. */
function shape(setting: Setting): readonly string[] {
  switch (setting.kind) {
    case 'number':
      return [code(String(setting.default)), setting.unit, `${setting.min} to ${setting.max}`];
    case 'boolean':
      return [code(String(setting.default)), '', '`true`, `false`'];
    case 'text':
      return ['', '', (setting.choices ?? []).map(code).join(', ')];
    case 'texts':
      return ['', '', 'a list'];
  }
}
