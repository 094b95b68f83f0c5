/** The lists of probes and follow-ups and their files are one; names and texts keep the form of the house. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { ALL_PROBES } from '../src/cli/all-probes.ts';
import { WALK_TIMEOUT_SECONDS } from '../src/core/check.ts';
import { COMMON_REASONS } from '../src/core/finding.ts';
import { FOLLOW_UPS } from '../src/follow-ups/index.ts';
import { PROBES } from '../src/probes/index.ts';

const SOURCES = join(import.meta.dirname, '../src');
const KEBAB = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;
const SNAKE = /^[a-z0-9]+(?:_[a-z0-9]+)*$/;
const UNIT_OR_PLURAL = /(?:_(?:seconds|bytes|ratio)|s)$/;
/** Counts whose usual name is no plural. */
const COUNTS: readonly string[] = ['load', 'tried'];

test.each([
  ['probes', PROBES],
  ['follow-ups', FOLLOW_UPS],
])('each file of src/%s is an entry of its list, and each entry has its file', (room, list) => {
  const files = readdirSync(join(SOURCES, room))
    .filter((name) => name !== 'index.ts')
    .map((name) => name.replace(/\.ts$/, ''));

  expect(list.map(({ id }) => id).toSorted()).toEqual(files.toSorted());
});

test('an id is in kebab case, and unique', () => {
  const ids = [...PROBES, ...FOLLOW_UPS].map(({ id }) => id);

  expect(ids.filter((id) => !KEBAB.test(id))).toEqual([]);
  expect(ids.toSorted()).toEqual([...new Set(ids)].toSorted());
});

describe('the requests to GitLab', () => {
  const kinds = PROBES.flatMap(({ requests = {} }) => Object.keys(requests));

  test('each kind is declared once, so that it has one limit', () => {
    expect(kinds).toEqual([...new Set(kinds)]);
  });

  test('a probe that sends some declares the kind that is named like it', () => {
    const unnamed = PROBES.filter(({ id, requests = { [id]: 'counted' } }) => !(id in requests));

    expect(unnamed.map(({ id }) => id)).toEqual([]);
  });
});

describe.each(FOLLOW_UPS)('follow-up $id', (followUp) => {
  const link = PROBES.find(({ id }) => id === followUp.revises);

  test('declares what changes it only where it is a check of its own', () => {
    expect(followUp.revises === undefined || followUp.changedBy === undefined).toBe(true);
  });

  test('follows statuses and reasons that links and follow-ups give', () => {
    const given = ALL_PROBES.filter(({ kind }) => ['endpoint', 'runner'].includes(kind)).flatMap(
      ({ id, reasons }) =>
        [...Object.keys(reasons), 'pass', 'warn', 'fail'].map((name) => `${id}/${name}`),
    );

    expect(followUp.after.filter((name) => !given.includes(name))).toEqual([]);
    expect(followUp.after).not.toEqual([]);
  });

  test('revises a link of the walk, or is a check of its own', () => {
    expect(link?.kind).toBe(followUp.revises === undefined ? undefined : 'endpoint');
    expect(followUp.revises === undefined || followUp.idle === undefined).toBe(true);
  });

  test('borrows reasons of its link alone, and declares none of them again', () => {
    const known = Object.keys(link?.reasons ?? {});

    expect(followUp.linkReasons?.filter((name) => !known.includes(name)) ?? []).toEqual([]);
    expect(Object.keys(followUp.reasons).filter((name) => known.includes(name))).toEqual([]);
  });

  test('asks one question, and ends within a walk', () => {
    expect(followUp.question).toMatch(/^[A-Z][^?]+\?$/);
    expect(followUp.title).not.toBe('');
    expect(followUp.timeoutSeconds).toBeGreaterThan(0);
    expect(followUp.timeoutSeconds).toBeLessThan(WALK_TIMEOUT_SECONDS);
  });
});

test('a probe needs earlier entries of the list only, so nothing needs itself in a circle', () => {
  const wrong = PROBES.flatMap(({ id, needs }, index) => {
    const earlier = new Set(PROBES.slice(0, index).map((probe) => probe.id));
    return needs.filter((need) => !earlier.has(need)).map((need) => `${id} needs ${need}`);
  });

  expect(wrong).toEqual([]);
});

test('links that are needed are of the walk', () => {
  const walk = new Set(PROBES.filter(({ kind }) => kind === 'endpoint').map(({ id }) => id));

  expect(PROBES.flatMap(({ needs }) => needs).filter((need) => !walk.has(need))).toEqual([]);
});

describe.each(ALL_PROBES)('$id', (probe) => {
  test('asks one question', () => {
    expect(probe.question).toMatch(/^[A-Z][^?]+\?$/);
    expect(probe.title).not.toBe('');
  });

  test('ends within its interval', () => {
    expect(probe.timeoutSeconds).toBeGreaterThan(0);
    expect(probe.timeoutSeconds).toBeLessThanOrEqual(probe.intervalSeconds);
  });

  test('has reasons in kebab case, and none that belongs to the machinery', () => {
    const names = Object.keys(probe.reasons);

    expect(names.filter((name) => !KEBAB.test(name) || name in COMMON_REASONS)).toEqual([]);
    expect(names).not.toEqual([]);
  });

  test('says for each reason without a cause what was seen and what to do', () => {
    const bad = Object.entries(probe.reasons).filter(
      ([, reason]) =>
        'meaning' in reason &&
        (!/^\S.*\.$/s.test(reason.meaning) || !/^[A-Z].*\.$/s.test(reason.action)),
    );

    expect(bad.map(([name]) => name)).toEqual([]);
  });

  test('has measures that end in a unit or a plural, each explained', () => {
    const bad = Object.entries(probe.measures).filter(
      ([name, { help }]) =>
        !SNAKE.test(name) ||
        !(UNIT_OR_PLURAL.test(name) || COUNTS.includes(name)) ||
        !/^[A-Z].*\.$/.test(help),
    );

    expect(bad.map(([name]) => name)).toEqual([]);
  });

  test('has options whose defaults are allowed by their own limits', () => {
    const bad = Object.entries(probe.options).filter(
      ([, option]) =>
        option.kind === 'number' && (option.default < option.min || option.default > option.max),
    );

    expect(bad.map(([name]) => name)).toEqual([]);
  });
});
