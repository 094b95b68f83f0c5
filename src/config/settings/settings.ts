/**
 * Reads our own settings. Strict: an unknown key or a value out of range is an error; all errors are reported at once,
 * each with its line and the accepted values. A file with a problem gives no settings.
 */
import { findNearest } from '../../core/nearest.ts';
import type { Probe } from '../../core/probe.ts';
import type { Problem } from '../../core/reading.ts';
import type { PlanSettings, ProbeSettings } from '../../core/settings.ts';
import { defaultProbeSettings } from '../../core/settings.ts';
import type { GeneralSetting, GeneralSettings, SettingTable } from './schema.ts';
import { probeSettings, SECTIONS } from './schema.ts';
import type { SettingsToml } from './toml.ts';
import { readSettingsToml } from './toml.ts';
import type { SettingValue } from './value.ts';
import { judgeSetting } from './value.ts';

export type Settings = GeneralSettings & PlanSettings;

export interface SettingsReading {
  /** Absent when there is any problem. */
  readonly settings?: Settings;
  readonly problems: readonly Problem[];
}

type Values = Readonly<Record<string, SettingValue>>;

/** Reads the text of a settings file. */
export function loadSettings(
  text: string,
  file: string,
  probes: readonly Probe[],
): SettingsReading {
  const reading = readSettingsToml(text, file);
  if (!reading.ok) return { problems: [reading.problem] };
  const reader = new SettingsReader(reading.toml, file);
  const root = reader.tables([], reading.toml.values, [...Object.keys(SECTIONS), 'probes']);
  const ids = probes.map(({ id }) => id);
  const byProbe = reader.tables(['probes'], root.get('probes') ?? {}, ids);
  const general = Object.entries(SECTIONS).map(
    ([name, table]) => [name, reader.values([name], root.get(name) ?? {}, table)] as const,
  );
  const settings = settingsOf(
    Object.fromEntries(general),
    probes.map((probe) => {
      const path = ['probes', probe.id];
      return [probe, reader.values(path, byProbe.get(probe.id) ?? {}, probeSettings(probe))];
    }),
  );
  const problems = reader.problems.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0));
  return problems.length > 0 ? { problems } : { settings, problems };
}

/** What holds without a settings file. */
export function defaultSettings(probes: readonly Probe[]): Settings {
  return settingsOf(
    {},
    probes.map((probe) => [probe, {}]),
  );
}

/** Collects the problems of one file. */
class SettingsReader {
  readonly problems: Problem[] = [];
  readonly #toml: SettingsToml;
  readonly #file: string;

  constructor(toml: SettingsToml, file: string) {
    this.#toml = toml;
    this.#file = file;
  }

  /** The tables of known names in a table. */
  tables(
    path: readonly string[],
    content: Readonly<Record<string, unknown>>,
    known: readonly string[],
  ): ReadonlyMap<string, Readonly<Record<string, unknown>>> {
    const found = new Map<string, Readonly<Record<string, unknown>>>();
    for (const [key, value] of Object.entries(content)) {
      const full = [...path, key];
      if (!known.includes(key)) this.#unknown(full, known);
      else if (isTable(value)) found.set(key, value);
      else {
        const name = full.join('.');
        this.#refuse(full, 'type-error', `${name} must be a table`, `Write \`[${name}]\`.`);
      }
    }
    return found;
  }

  /** The values of known keys in a table. */
  values(
    path: readonly string[],
    content: Readonly<Record<string, unknown>>,
    known: SettingTable,
  ): Values {
    const found: Record<string, SettingValue> = {};
    for (const [key, value] of Object.entries(content)) {
      const full = [...path, key];
      const setting = Object.hasOwn(known, key) ? known[key] : undefined;
      if (setting === undefined) {
        this.#unknown(full, Object.keys(known));
        continue;
      }
      const judged = judgeSetting(key, value, setting);
      if (judged.ok) found[key] = judged.value;
      else this.#refuse(full, 'invalid-value', `${full.join('.')} ${judged.why}`, judged.fix);
    }
    return found;
  }

  #unknown(path: readonly string[], known: readonly string[]): void {
    const key = path.at(-1) ?? '';
    const meant = findNearest(key, known);
    const parent = path.slice(0, -1).join('.');
    const where = parent === '' ? 'at the top' : `in [${parent}]`;
    const fix =
      meant === undefined ? `Known ${where}: ${known.join(', ')}.` : `Did you mean \`${meant}\`?`;
    this.#refuse(path, 'unknown-key', `unknown key "${formatKey(key)}" ${where}`, fix);
  }

  #refuse(path: readonly string[], code: string, what: string, fix: string): void {
    const line = this.#toml.lineOf(path);
    this.problems.push({ code, file: this.#file, line, message: what, fix });
  }
}

/** A key may be a secret that lost its own key. */
function formatKey(key: string): string {
  return key.length > 40 || /gl[a-z]{2,}-|GR1348941/.test(key) ? '…' : key;
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
  );
}

function settingsOf(
  general: Readonly<Record<string, Values>>,
  probes: readonly (readonly [Probe, Values])[],
): Settings {
  const given = Object.entries<Readonly<Record<string, GeneralSetting>>>(SECTIONS).flatMap(
    ([section, table]) =>
      Object.entries(table).map(([key, setting]) => {
        const usual = setting.kind === 'number' ? setting.default : undefined;
        return [setting.property, general[section]?.[key] ?? usual] as const;
      }),
  );
  return {
    ...(Object.fromEntries(given.filter(([, value]) => value !== undefined)) as GeneralSettings &
      Pick<PlanSettings, 'requestsPerHour'>),
    probes: Object.fromEntries(
      probes.map(([probe, values]) => [probe.id, probeSettingsOf(probe, values)]),
    ),
  };
}

function probeSettingsOf(probe: Probe, values: Values): ProbeSettings {
  const usual = defaultProbeSettings(probe);
  const options = Object.entries(usual.options).map(([key, value]) => [key, values[key] ?? value]);
  return {
    enabled: values['enabled'] !== false,
    intervalSeconds: Number(values['interval_seconds'] ?? usual.intervalSeconds),
    timeoutSeconds: Number(values['timeout_seconds'] ?? usual.timeoutSeconds),
    options: Object.fromEntries(options) as ProbeSettings['options'],
  };
}
