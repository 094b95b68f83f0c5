/** References in pages and comments: to files of this repository, and to documents that it does not have. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, matchesGlob, relative } from 'node:path';

import { anchorsOf } from './markdown.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const FOLDERS = ['.ci', 'bench', 'deploy', 'docs', 'lab', 'src', 'test', 'tools'];

const ENTRIES = [
  ...readdirSync(ROOT, { withFileTypes: true }),
  ...FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true }),
  ),
].map((entry) => ({
  path: relative(ROOT, join(entry.parentPath, entry.name)),
  isFile: entry.isFile(),
}));

/** Files of the repository, relative to its root. */
export const FILES: readonly string[] = ENTRIES.flatMap(({ path, isFile }) => (isFile ? path : []));

export function textOf(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** The prose of a file: a page as a whole, otherwise its comments, each on one line. */
export function proseOf(path: string, text = textOf(path)): string {
  if (path.endsWith('.md')) return text;
  if (!/\.(?:ts|mjs)$/.test(path)) return (text.match(/(?<=^|\s)# .*$/gm) ?? []).join('\n');
  const comments = text.match(/\/\*\*[^]*?\*\/|(?<=^|\s)\/\/ .*$/gm) ?? [];
  return comments.map((comment) => comment.replaceAll(/\s*\n\s*\*\s*/g, ' ')).join('\n');
}

/** From the root: `src/go`, `docs/glossary.md#glossary`. */
const FROM_ROOT = new RegExp(
  String.raw`(?<![\w./~$@{}-])(?:${FOLDERS.join('|').replace('.', String.raw`\.`)})/[\w./<>*-]*(?:#[\w-]+)?`,
  'g',
);
/** A source or page by its name, with some of its folders or none: `go/dial/dial.ts`, `trust.ts`. */
const BY_NAME = /(?<![\w./:@-])[\w<>*-][\w./<>*-]*\.(?:ts|mjs|md)(?:#[\w-]+)?(?![\w/])/g;

/** `<id>` and `*` in them match any name. */
export function pathsIn(prose: string): readonly string[] {
  const found = [...prose.matchAll(FROM_ROOT), ...prose.matchAll(BY_NAME)];
  return [...new Set(found.map(([path]) => path.replace(/[./]+$/, '')))];
}

/** Whether the repository has it; of a page also its heading. */
export function resolvesTo(reference: string): boolean {
  const [path = '', anchor] = reference.split('#');
  const pattern = path.replaceAll(/<\w+>/g, '*');
  const isMeant = pattern.includes('*')
    ? (known: string) => matchesGlob(known, pattern) || matchesGlob(known, `**/${pattern}`)
    : (known: string) => known === pattern || known.endsWith(`/${pattern}`);
  const meant = ENTRIES.map((entry) => entry.path).filter(isMeant);
  return anchor === undefined
    ? meant.length > 0
    : meant.some((page) => anchorsOf(textOf(page)).has(anchor));
}

/** Documents, and numbers in them, that a reader of the repository cannot open. */
const FOREIGN: readonly RegExp[] = [
  /\b(?:fault matrix|network reference|config reference)\b/i,
  /\bmatrix \d/i,
  /\breference,? (?:section )?\d/i,
  /\bthe contract\b|\bcontract,/i,
  /(?<!RFC \d+, )\bsections? \d/,
  /\bINC-\d{3}\b/,
  /\bI-\d+\b/,
];
/** The ids of rows have a meaning in the lab only. */
const ROW_OF_THE_LAB = /(?<![\w-])[A-Z]-\d{2}(?![\w-])/;

export function foreignReferencesIn(path: string, prose: string): readonly string[] {
  const patterns = path.startsWith('lab/') ? FOREIGN : [...FOREIGN, ROW_OF_THE_LAB];
  return patterns.flatMap((pattern) => pattern.exec(prose)?.[0] ?? []);
}
