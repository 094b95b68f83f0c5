/** The texts of every YAML and JSON file in deploy/, with their positions; and the rules. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { parse } from 'yaml';

export const DEPLOY = join(import.meta.dirname, '../../deploy');

export interface DeployedText {
  readonly file: string;
  /** Path inside the file: `groups.0.rules.3.expr`. */
  readonly at: string;
  readonly text: string;
}

export interface AlertRule {
  readonly file: string;
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface RecordingRule {
  readonly file: string;
  readonly record: string;
  readonly expr: string;
}

interface RuleFile {
  readonly groups: readonly {
    readonly rules: readonly (Omit<AlertRule, 'file'> | Omit<RecordingRule, 'file'>)[];
  }[];
}

const FILES = readdirSync(DEPLOY, { recursive: true, encoding: 'utf8' }).filter((name) =>
  /\.(?:ya?ml|json)$/.test(name),
);

export const DEPLOYED_TEXTS: readonly DeployedText[] = FILES.flatMap((file) =>
  textsOf(parse(readFileSync(join(DEPLOY, file), 'utf8')), file, []),
);

const RULES = FILES.filter((file) => file.startsWith('prometheus/rules/')).flatMap((file) => {
  const { groups } = parse(readFileSync(join(DEPLOY, file), 'utf8')) as RuleFile;
  return groups.flatMap(({ rules }) => rules.map((rule) => ({ file, ...rule })));
});

export const ALERTS: readonly AlertRule[] = RULES.filter((rule) => 'alert' in rule);
export const RECORDINGS: readonly RecordingRule[] = RULES.filter((rule) => 'record' in rule);

function textsOf(value: unknown, file: string, path: readonly string[]): readonly DeployedText[] {
  if (typeof value === 'string') return [{ file, at: path.join('.'), text: value }];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => textsOf(inner, file, [...path, key]));
}
