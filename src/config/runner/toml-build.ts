/**
 * Builds the tree of `toml-tree.ts` from the parser's syntax nodes: dotted keys and headers become nested tables. The
 * parser has rejected duplicates already; this adds the range of 64-bit integers and a limit of depth.
 */
import type { AST } from 'toml-eslint-parser';

import type { Position, TomlEntry, TomlScalar, TomlTable } from './toml-tree.ts';

const MAX_DEPTH = 100;
const INT64_MAX = 2n ** 63n - 1n;
const START: Position = { line: 1, column: 1 };
const INT64_MIN = -(2n ** 63n);

/** The document parses, but the runner's decoder would refuse it. */
export class ShapeError extends Error {
  readonly position: Position;

  constructor(message: string, position: Position) {
    super(message);
    this.name = 'ShapeError';
    this.position = position;
  }
}

/** The document may well be right, and is more than is read here. */
export class DepthError extends Error {}

/** A table while it is being filled. */
interface OpenTable {
  readonly kind: 'table';
  readonly position: Position;
  readonly end: Position;
  form: TomlTable['form'];
  readonly entries: Map<string, OpenEntry>;
}

interface OpenArray {
  readonly kind: 'array';
  readonly position: Position;
  readonly end: Position;
  readonly elements: OpenValue[];
}

type OpenValue = TomlScalar | OpenArray | OpenTable;

interface OpenEntry extends TomlEntry {
  readonly value: OpenValue;
}

interface Span {
  readonly position: Position;
  readonly end: Position;
}

interface KeyPart extends Span {
  readonly name: string;
}

/** The root table of a parsed document. */
export function treeOf(program: AST.TOMLProgram): TomlTable {
  const root = openTable({ position: START, end: START }, 'header');
  for (const node of program.body[0].body) {
    if (node.type === 'TOMLKeyValue') addPair(root, node, 0);
    else addTable(root, node);
  }
  return root;
}

function addTable(root: OpenTable, node: AST.TOMLTable): void {
  const parts = partsOf(node.key);
  const table = node.kind === 'array' ? newElement(root, parts) : descend(root, parts);
  if (node.kind === 'standard') table.form = 'header';
  for (const pair of node.body) addPair(table, pair, parts.length);
}

/** `[[a.b]]`: a new table at the end of the array `b` in `a`. */
function newElement(root: OpenTable, parts: readonly KeyPart[]): OpenTable {
  const last = parts.at(-1) ?? { name: '', position: START, end: START };
  const parent = descend(root, parts.slice(0, -1));
  const known = parent.entries.get(last.name)?.value;
  const array: OpenArray =
    known?.kind === 'array' ? known : { kind: 'array', ...spanOf(last), elements: [] };
  const table = openTable(last, 'header');
  array.elements.push(table);
  if (known === undefined) setEntry(parent, last, array);
  return table;
}

/** Follows a dotted key; in an array of tables it continues in the last one. */
function descend(from: OpenTable, parts: readonly KeyPart[]): OpenTable {
  let table = from;
  for (const [index, part] of parts.entries()) {
    guardDepth(index);
    const known = table.entries.get(part.name)?.value;
    const next = known?.kind === 'array' ? known.elements.at(-1) : known;
    if (next?.kind === 'table') {
      table = next;
      continue;
    }
    const created = openTable(part, 'implied');
    setEntry(table, part, created);
    table = created;
  }
  return table;
}

function addPair(table: OpenTable, pair: AST.TOMLKeyValue, depth: number): void {
  const parts = partsOf(pair.key);
  const last = parts.at(-1);
  if (last === undefined) return;
  const parent = descend(table, parts.slice(0, -1));
  setEntry(parent, last, valueOf(pair.value, depth + parts.length));
}

function valueOf(node: AST.TOMLContentNode, depth: number): OpenValue {
  const span = { position: positionOf(node), end: endOf(node) };
  guardDepth(depth);
  switch (node.type) {
    case 'TOMLArray': {
      const elements = node.elements.map((element) => valueOf(element, depth + 1));
      return { kind: 'array', ...span, elements };
    }
    case 'TOMLInlineTable': {
      const table = openTable(span, 'inline');
      for (const pair of node.body) addPair(table, pair, depth + 1);
      return table;
    }
    case 'TOMLValue':
      return scalarOf(node, span);
  }
}

function scalarOf(node: AST.TOMLValue, span: Span): TomlScalar {
  switch (node.kind) {
    case 'string':
      return { kind: 'string', ...span, text: node.value };
    case 'boolean':
      return { kind: 'boolean', ...span, value: node.value };
    case 'float':
      return { kind: 'float', ...span, value: node.value };
    case 'integer':
      if (node.bigint > INT64_MAX || node.bigint < INT64_MIN) {
        throw new ShapeError('this integer does not fit into 64 bits', span.position);
      }
      return { kind: 'integer', ...span, value: node.bigint };
    case 'offset-date-time':
    case 'local-date-time':
    case 'local-date':
    case 'local-time':
      return { kind: 'datetime', ...span, text: node.datetime, at: node.value.getTime() };
  }
}

function partsOf(key: AST.TOMLKey): readonly KeyPart[] {
  return key.keys.map((part) => ({
    name: part.type === 'TOMLBare' ? part.name : part.value,
    position: positionOf(part),
    end: endOf(part),
  }));
}

function openTable(span: Span, form: TomlTable['form']): OpenTable {
  return { kind: 'table', ...spanOf(span), form, entries: new Map() };
}

function spanOf({ position, end }: Span): Span {
  return { position, end };
}

function setEntry(table: OpenTable, { name, position }: KeyPart, value: OpenValue): void {
  table.entries.set(name, { key: name, keyPosition: position, value });
}

function positionOf(node: AST.TOMLNode): Position {
  const { line, column } = node.loc.start;
  return { line, column: column + 1 };
}

function endOf(node: AST.TOMLNode): Position {
  const { line, column } = node.loc.end;
  return { line, column: column + 1 };
}

function guardDepth(depth: number): void {
  if (depth > MAX_DEPTH) throw new DepthError();
}
