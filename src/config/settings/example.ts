/**
 * Writes deploy/runnerwatch.example.toml from the same tables that validate the settings: every key, commented out,
 * with unit, range, default and meaning.
 */
import { OWN_SETTINGS, RELOAD_OWN_SERVICE } from '../../core/own-service.ts';
import type { Probe } from '../../core/probe.ts';
import type { Setting, SettingTable } from './schema.ts';
import { needsRestart, probeSettings, SECTIONS } from './schema.ts';

const HEAD = `# Settings of runnerwatch: ${OWN_SETTINGS}
#
# Every key is optional. A commented-out key shows its default. A command-line flag overrides
# its key here. Check the file with \`runnerwatch --config.check\`, load it with
# \`${RELOAD_OWN_SERVICE}\`.
`;

/** The text of the example file for a list of probes. */
export function exampleSettings(probes: readonly Probe[]): string {
  const general = Object.entries(SECTIONS).map(([name, table]) => section(name, [], table));
  const checks = probes.map((probe) =>
    section(`probes.${probe.id}`, [probe.question], probeSettings(probe)),
  );
  return [HEAD, ...general, ...checks].join('\n');
}

function section(name: string, notes: readonly string[], table: SettingTable): string {
  const keys = Object.entries(table).map(([key, setting]) => keyLines(key, setting));
  return [...notes.map((note) => `# ${note}`), `[${name}]`, ...keys, ''].join('\n');
}

function keyLines(key: string, setting: Setting): string {
  return `# ${setting.help}${rangeOf(setting)}${restartOf(setting)}\n# ${key} = ${valueOf(setting)}`;
}

function restartOf(setting: Setting): string {
  return needsRestart(setting) ? ' A change takes effect after a restart.' : '';
}

function rangeOf(setting: Setting): string {
  if (setting.kind !== 'number') return '';
  return ` Unit: ${setting.unit}, ${setting.min} to ${setting.max}.`;
}

function valueOf(setting: Setting): string {
  switch (setting.kind) {
    case 'number':
    case 'boolean':
      return String(setting.default);
    case 'text':
      return `"${setting.example}"`;
    case 'texts':
      return `[${setting.example.map((item) => `"${item}"`).join(', ')}]`;
  }
}
