/** Parses Prometheus text strictly, as a scraper does; a line that it cannot parse is an error. */
export interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: string;
}

const SAMPLE = /^([a-z_][a-z0-9_]*)(?:\{(.*)\})? (-?[0-9.e+-]+|[+-]Inf)$/;
const LABEL = /([a-z_]+)="((?:[^"\\]|\\[\\n"])*)"(?:,|$)/gy;

export function seriesOf(body: string): readonly Series[] {
  return body
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name, labels = '', value] = SAMPLE.exec(line) ?? [];
      if (name === undefined || value === undefined) throw new Error(`no sample: ${line}`);
      return { name, labels: labelsOf(labels), value };
    });
}

function labelsOf(text: string): Readonly<Record<string, string>> {
  const found = [...text.matchAll(LABEL)];
  if (found.reduce((length, [part]) => length + part.length, 0) !== text.length)
    throw new Error(`no labels: ${text}`);
  return Object.fromEntries(found.map(([, name = '', value = '']) => [name, plain(value)]));
}

function plain(escaped: string): string {
  return escaped.replaceAll(/\\(.)/g, (_, sign: string) => (sign === 'n' ? '\n' : sign));
}
