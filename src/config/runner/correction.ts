/** The corrected line for a value of the wrong type. Values that could be secret become `…`. */
import { nearestGoDuration } from '../../core/go-duration.ts';
import type { Mismatch } from './mismatch.ts';
import type { ScalarName } from './schema-type.ts';
import { redactName, redactValue } from './redact-value.ts';
import type { TomlValue } from './toml-tree.ts';

const UNIT_BYTES: Readonly<Record<string, number>> = { k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

/** `cpus = "2"`, `[[runners]]`; `path` is of the key, without the member of a map; `undefined` when there is no telling what was meant. */
export function correctedLine(path: string, mismatch: Mismatch): string | undefined {
  const { value, type, member } = mismatch;
  const key = member === '' ? path.slice(path.lastIndexOf('.') + 1) : asKey(member);
  if (type.kind === 'tables') return value.kind === 'table' ? `[[${path}]]` : undefined;
  if (type.kind === 'table') return value.kind === 'array' ? `[${path}]` : undefined;
  if (type.kind === 'list' || type.kind === 'string-or-list') return asList(key, value);
  if (type.kind !== 'scalar') return undefined;
  const right = asScalar(key, value, type.name);
  return right === undefined ? undefined : `${key} = ${right}`;
}

/** A name as it is written before `=`. */
function asKey(name: string): string {
  const shown = redactName(name);
  return /^[\w-]+$/.test(shown) ? shown : JSON.stringify(shown);
}

function asList(key: string, value: TomlValue): string {
  if (key === 'environment') return 'environment = ["NAME=value"]';
  if (value.kind === 'array') return `${key} = ["…"]`;
  const text = plainText(value);
  return `${key} = ["${text === undefined ? '…' : redactValue(key, text)}"]`;
}

function asScalar(key: string, value: TomlValue, name: ScalarName): string | undefined {
  const text = plainText(value);
  if (text === undefined) return undefined;
  switch (name) {
    case 'string':
      return `"${redactValue(key, text)}"`;
    case 'int':
    case 'int32':
      return wholeNumber(text);
    case 'float':
      return /^-?\d+(?:\.\d+)?$/.test(text) ? text : undefined;
    case 'bool':
      return truth(text);
    case 'duration': {
      const meant = nearestGoDuration(text);
      return meant === undefined ? undefined : `"${meant}"`;
    }
    case 'datetime':
    case 'any':
      return undefined;
  }
}

function plainText(value: TomlValue): string | undefined {
  switch (value.kind) {
    case 'string':
    case 'datetime':
      return value.text;
    case 'integer':
    case 'float':
    case 'boolean':
      return String(value.value);
    case 'array':
    case 'table':
      return undefined;
  }
}

/** `"4"` and `4.0` are 4; `"64m"` is 67108864. */
function wholeNumber(text: string): string | undefined {
  const parts = /^(?<digits>-?\d+)(?:\.0+)?\s*(?:(?<unit>[kmg])(?:i?b)?)?$/i.exec(text.trim());
  const { digits, unit } = parts?.groups ?? {};
  if (digits === undefined || digits.length > 15) return undefined;
  return String(Number(digits) * (unit === undefined ? 1 : (UNIT_BYTES[unit.toLowerCase()] ?? 1)));
}

function truth(text: string): string | undefined {
  if (/^(?:true|yes|on|1)$/i.test(text)) return 'true';
  return /^(?:false|no|off|0)$/i.test(text) ? 'false' : undefined;
}
