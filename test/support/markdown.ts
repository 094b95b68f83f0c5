/** The parts of a Markdown page that tests need: its blocks of code, its links, its anchors. */

export interface CodeBlock {
  readonly language: string;
  readonly lines: readonly string[];
}

export function codeBlocks(text: string): readonly CodeBlock[] {
  return [...text.matchAll(/^```(?<language>\w+)\n(?<body>[^]*?)^```$/gm)].map(({ groups }) => ({
    language: groups?.['language'] ?? '',
    lines: (groups?.['body'] ?? '').trimEnd().split('\n'),
  }));
}

/** Targets of links and pictures, outside of code. */
export function linksOf(text: string): readonly string[] {
  const prose = text.replaceAll(/^```[^]*?^```$/gm, '').replaceAll(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\((?<target>[^)\s]+)\)/g)].map(
    ({ groups }) => groups?.['target'] ?? '',
  );
}

/** Anchors of the headings, as code hosts make them. */
export function anchorsOf(text: string): ReadonlySet<string> {
  const headings = [...text.matchAll(/^#+ (?<title>.+)$/gm)];
  return new Set(
    headings.map(({ groups }) =>
      (groups?.['title'] ?? '')
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .trim()
        .replaceAll(' ', '-'),
    ),
  );
}
