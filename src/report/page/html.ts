/** A template tag that escapes every value; only its own output is inserted as it is. */
import { printable } from '../../core/printable.ts';

export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toString(): string {
    return this.text;
  }
}

type Part = string | number | Html | undefined | readonly (Html | undefined)[];

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  // The indentation is for readers of the source; it is not sent to the browser.
  const [first = '', ...rest] = strings.map((string) => string.replaceAll(/\n\s*/g, '\n'));
  const text = rest.reduce(
    (done, string, index) => done + renderPart(parts[index]) + string,
    first,
  );
  return new Html(text);
}

function renderPart(part: Part): string {
  if (part === undefined) return '';
  if (part instanceof Html) return part.text;
  if (typeof part === 'string' || typeof part === 'number') {
    return printable(String(part)).replaceAll(/[&<>"']/g, (sign) => ENTITIES[sign] ?? sign);
  }
  return part.map((item) => item?.text ?? '').join('\n');
}
