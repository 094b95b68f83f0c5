/** The Prometheus text format, as far as the runner's page uses it: names, labels, values. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const LINE = /^(?<name>[a-zA-Z_:][\w:]*)(?:\{(?<labels>.*)\})?\s+(?<value>\S+)(?:\s+-?\d+)?$/;
const LABEL = /(?<key>[a-zA-Z_]\w*)\s*=\s*"(?<value>(?:[^"\\]|\\.)*)"/g;

/** Lines of another form are left out: another program may have written this page. */
export function parseExposition(text: string): readonly Sample[] {
  return text.split('\n').flatMap((line) => {
    if (line.startsWith('#')) return [];
    const { name, labels = '', value } = LINE.exec(line.trim())?.groups ?? {};
    const number = Number(value);
    if (name === undefined || Number.isNaN(number)) return [];
    return [{ name, labels: labelsOf(labels), value: number }];
  });
}

function labelsOf(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [...text.matchAll(LABEL)].map(({ groups }) => [
      groups?.['key'] ?? '',
      (groups?.['value'] ?? '').replace(/\\(?<letter>.)/g, (_all, letter: string) =>
        letter === 'n' ? '\n' : letter,
      ),
    ]),
  );
}
