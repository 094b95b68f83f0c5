/**
 * From the parser's syntax nodes to the tree of `toml-tree.ts`: dotted keys and headers become nested
 * tables. The parser has refused duplicates already; what is added is the range of 64-bit integers and a
 * limit of depth.
 */
import type { AST } from 'toml-eslint-parser';

import type { Place, TomlEntry, TomlScalar, TomlTable } from './toml-tree.ts';

const MAX_DEPTH = 100;
const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);

/** The document parses, but the runner's decoder would refuse it. */
export class ShapeError extends Error {
  readonly place: Place;

  constructor(message: string, place: Place) {
    super(message);
    this.name = 'ShapeError';
    this.place = place;
  }
}

/** A table while it is being filled. */
interface OpenTable {
  readonly kind: 'table';
  readonly place: Place;
  form: TomlTable['form'];
  readonly entries: Map<string, OpenEntry>;
}

interface OpenArray {
  readonly kind: 'array';
  readonly place: Place;
  readonly elements: OpenValue[];
}

type OpenValue = TomlScalar | OpenArray | OpenTable;

interface OpenEntry extends TomlEntry {
  readonly value: OpenValue;
}

interface Part {
  readonly name: string;
  readonly place: Place;
}

/** The root table of a parsed document. */
export function treeOf(program: AST.TOMLProgram): TomlTable {
  const root = openTable({ line: 1, column: 1 }, 'header');
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
function newElement(root: OpenTable, parts: readonly Part[]): OpenTable {
  const last = parts.at(-1) ?? { name: '', place: root.place };
  const parent = descend(root, parts.slice(0, -1));
  const known = parent.entries.get(last.name)?.value;
  const array: OpenArray =
    known?.kind === 'array' ? known : { kind: 'array', place: last.place, elements: [] };
  const table = openTable(last.place, 'header');
  array.elements.push(table);
  if (known === undefined) setEntry(parent, last, array);
  return table;
}

/** Follows a dotted key; through an array of tables the way leads into its last one. */
function descend(from: OpenTable, parts: readonly Part[]): OpenTable {
  let table = from;
  for (const [index, part] of parts.entries()) {
    guardDepth(index, part.place);
    const known = table.entries.get(part.name)?.value;
    const next = known?.kind === 'array' ? known.elements.at(-1) : known;
    if (next?.kind === 'table') {
      table = next;
      continue;
    }
    const created = openTable(part.place, 'implied');
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
  const place = placeOf(node);
  guardDepth(depth, place);
  switch (node.type) {
    case 'TOMLArray': {
      const elements = node.elements.map((element) => valueOf(element, depth + 1));
      return { kind: 'array', place, elements };
    }
    case 'TOMLInlineTable': {
      const table = openTable(place, 'inline');
      for (const pair of node.body) addPair(table, pair, depth + 1);
      return table;
    }
    case 'TOMLValue':
      return scalarOf(node, place);
  }
}

function scalarOf(node: AST.TOMLValue, place: Place): TomlScalar {
  switch (node.kind) {
    case 'string':
      return { kind: 'string', place, text: node.value };
    case 'boolean':
      return { kind: 'boolean', place, value: node.value };
    case 'float':
      return { kind: 'float', place, value: node.value };
    case 'integer':
      if (node.bigint > INT64_MAX || node.bigint < INT64_MIN) {
        throw new ShapeError('this integer does not fit into 64 bits', place);
      }
      return { kind: 'integer', place, value: node.bigint };
    case 'offset-date-time':
    case 'local-date-time':
    case 'local-date':
    case 'local-time':
      return { kind: 'datetime', place, text: node.datetime, at: node.value.getTime() };
  }
}

function partsOf(key: AST.TOMLKey): readonly Part[] {
  return key.keys.map((part) => ({
    name: part.type === 'TOMLBare' ? part.name : part.value,
    place: placeOf(part),
  }));
}

function openTable(place: Place, form: TomlTable['form']): OpenTable {
  return { kind: 'table', place, form, entries: new Map() };
}

function setEntry(table: OpenTable, { name, place }: Part, value: OpenValue): void {
  table.entries.set(name, { key: name, keyPlace: place, value });
}

function placeOf(node: AST.TOMLNode): Place {
  const { line, column } = node.loc.start;
  return { line, column: column + 1 };
}

function guardDepth(depth: number, place: Place): void {
  if (depth > MAX_DEPTH) throw new ShapeError('values are nested too deep', place);
}
