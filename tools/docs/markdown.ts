/** The Markdown elements of the generated pages. */

/** Names the source of a page, so that it is not edited by hand. */
export function head(title: string, source: string): readonly string[] {
  return [
    `# ${title}`,
    '',
    `<!-- Written by \`npm run docs\` from ${source}. Edit that, not this. -->`,
    '',
  ];
}

export function table(
  columns: readonly string[],
  rows: readonly (readonly string[])[],
): readonly string[] {
  return [line(columns), `| ${columns.map(() => '---').join(' | ')} |`, ...rows.map(line), ''];
}

export function code(text: string): string {
  return `\`${text}\``;
}

export function codeBlock(lines: readonly string[]): readonly string[] {
  return ['```sh', ...lines, '```'];
}

function line(cells: readonly string[]): string {
  return `| ${cells.map(cell).join(' | ')} |`;
}

/** A bar or a line break would end the cell. */
function cell(text: string): string {
  return text.replaceAll('|', String.raw`\|`).replaceAll('\n', ' ');
}
