/** The style of the status page: one block, no outside resource, light and dark, from a phone to a wall screen. */
import { createHash } from 'node:crypto';

import { Html } from './html.ts';

const COLOURS = `
:root { color-scheme: light dark;
  --back: #f5f6f8; --card: #ffffff; --ink: #1b1f24; --soft: #545d68; --line: #d5dbe2; --code: #eef1f4;
  --good: #18702f; --warn: #8a5a00; --bad: #bd1f17; --rest: #5b6570;
  --good-back: #e3f3e6; --warn-back: #fdf1d8; --bad-back: #fce6e4; --rest-back: #eceff2; }
@media (prefers-color-scheme: dark) { :root {
  --back: #0f1216; --card: #171b20; --ink: #e7ebef; --soft: #a3adb8; --line: #2d343c; --code: #0c0f12;
  --good: #5ccf78; --warn: #e6b44c; --bad: #ff8078; --rest: #98a3af;
  --good-back: #12281a; --warn-back: #2d230d; --bad-back: #341513; --rest-back: #20262c; } }
.healthy, .pass { --tone: var(--good); --tint: var(--good-back); }
.degraded, .warn, .unsure, .warning, .notice { --tone: var(--warn); --tint: var(--warn-back); }
.broken, .fail, .critical { --tone: var(--bad); --tint: var(--bad-back); }
.unknown, .skipped, .info { --tone: var(--rest); --tint: var(--rest-back); }
`;

const FRAME = `
* { box-sizing: border-box; }
html { scroll-behavior: smooth; scroll-padding-top: 1rem; }
body { margin: 0; background: var(--back); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
main { max-width: 1120px; margin: 0 auto; padding: 1rem 1rem 3rem; }
header { display: flex; flex-wrap: wrap; gap: .1rem 1rem; align-items: baseline; color: var(--soft); }
header b { color: var(--ink); }
a { color: inherit; text-underline-offset: .15em; }
:focus-visible { outline: 3px solid var(--tone, var(--ink)); outline-offset: 2px; border-radius: .2rem; }
.banner { background: var(--tint); color: var(--tone); border: 1px solid var(--tone); border-radius: .5rem;
  padding: .4rem 1rem; margin: 0 0 .75rem; font-weight: 600; }
#stale { position: sticky; top: 0; z-index: 1; border-radius: 0; margin: 0; text-align: center; }
.verdict { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 0 1rem; align-items: center; background: var(--tint);
  border: 1px solid var(--tone); border-radius: .75rem; padding: 1rem 1.25rem; margin: .75rem 0 1.5rem; }
.verdict .mark { grid-row: 1 / 3; display: grid; place-items: center; width: 3.25rem; height: 3.25rem; border-radius: 50%;
  background: var(--tone); color: var(--card); font: 700 1.9rem/1 system-ui, sans-serif; }
.verdict h1 { margin: 0; font-size: 1.7rem; line-height: 1.2; color: var(--tone); text-transform: capitalize; }
.verdict p { margin: 0; font-size: 1.1rem; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
h3, h4 { font-size: 1rem; margin: 0; }
h3.target { margin: .75rem 0 .4rem; font-weight: 500; color: var(--soft); }
small, .meta, .scale, footer { color: var(--soft); font-size: .87rem; font-weight: 400; }
.meta { margin: .1rem 0 .5rem; }
.tag { color: var(--tone); font-weight: 600; font-style: normal; }
.away, .chain b { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
ol, ul { margin: .25rem 0; padding-left: 1.3rem; } li + li { margin-top: .35rem; }
summary { cursor: pointer; color: var(--soft); padding: .2rem 0; }
footer { margin-top: 2.5rem; border-top: 1px solid var(--line); }
`;

const PARTS = `
.cause, .runner, .gauge, .scroll { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; }
.cause { border-left: .35rem solid var(--tone); padding: .9rem 1.1rem; margin: .6rem 0; }
.cause h3 { font-size: 1.15rem; } .cause h4 { margin-top: .6rem; } .cause p { margin: .25rem 0; }
.what { font-size: 1.05rem; }
pre { background: var(--code); border: 1px solid var(--line); border-radius: .35rem; margin: .25rem 0 .5rem; padding: .5rem .75rem;
  white-space: pre-wrap; font: 13px/1.45 ui-monospace, monospace; user-select: all; }
.command { position: relative; } .command pre { padding-right: 4.75rem; }
.copy { position: absolute; top: .25rem; right: .25rem; width: 4.25rem; font: inherit; font-size: .8rem; color: var(--ink); background: var(--card);
  border: 1px solid var(--line); border-radius: .35rem; padding: .1rem 0; cursor: pointer; }
.runners { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 21rem), 1fr)); gap: .6rem; align-items: start; }
.runner { padding: .7rem .9rem; border-top: .25rem solid var(--tone); min-width: 0; }
.runner .meta { margin: 0; }
.chain { list-style: none; display: flex; padding: 0; margin: .6rem 0 .3rem; position: relative; }
.chain li { flex: 1; min-width: 0; margin: 0; display: flex; flex-direction: column; align-items: center; white-space: nowrap; font-size: .8rem; color: var(--tone); position: relative; }
.chain i { display: grid; place-items: center; width: 1.5rem; height: 1.5rem; margin: 0 auto .15rem; border: 2px solid var(--tone);
  border-radius: 50%; background: var(--tint); font: 700 .85rem/1 system-ui, sans-serif; position: relative; z-index: 1; }
.chain li:last-child { flex: 1.6; }
.chain li + li::before { content: ''; position: absolute; top: .7rem; right: calc(50% + .75rem); width: calc(100% - 1.5rem);
  border-top: 2px solid var(--tone); }
.chain .pass i::before { content: '✓'; } .chain .warn i::before { content: '!'; } .chain .unknown i::before { content: '?'; } .chain .skipped i::before { content: '–'; }
.chain .fail { font-weight: 700; } .chain .fail i { background: var(--tone); color: var(--card); width: 1.9rem; height: 1.9rem; margin-top: -.2rem; margin-bottom: -.05rem; font-size: 1.1rem; }
.chain .fail i::before { content: '✕'; }
.chain .fail + li::before, .chain .skipped + li::before, .chain .skipped::before { border-top-style: dotted; }
.chain .skipped i { border-style: dotted; }
.why { margin: .3rem 0; font-size: .93rem; } .why a { font-weight: 600; display: inline-block; }
.runner dl { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: .2rem .75rem; margin: .3rem 0 0; font-size: .9rem; } dd { margin: 0; }
.gauges { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 13.5rem), 1fr)); gap: .6rem; }
.gauge { padding: .6rem .8rem; min-width: 0; } .gauge h3, .gauge h4 { font-size: .93rem; font-weight: 500; }
.gauge p { margin: .1rem 0; font-size: 1.1rem; }
svg { display: block; width: 100%; } .bar { height: .5rem; background: var(--code); border: 1px solid var(--line); border-radius: .25rem; }
.bar rect { fill: var(--tone, var(--rest)); } .plot { height: 3rem; margin-top: .4rem; border-bottom: 1px solid var(--line); }
.plot path { fill: none; stroke: var(--ink); stroke-width: 1.5; vector-effect: non-scaling-stroke; }
.limit, .plot .limit { stroke: var(--bad); stroke-width: 1.5; stroke-dasharray: 4 3; vector-effect: non-scaling-stroke; }
.strip { height: 1.5rem; background: var(--card); border: 1px solid var(--line); border-radius: .25rem; } .strip rect { fill: var(--tone); }
.scale { display: flex; justify-content: space-between; margin: .1rem 0 .5rem; }
.events { list-style: none; padding: 0; } .events li { display: grid; grid-template-columns: auto 1rem minmax(0, 1fr); gap: .6rem; }
.events time { color: var(--soft); font-variant-numeric: tabular-nums; white-space: nowrap; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; min-width: 36rem; font-size: .93rem; }
th, td { text-align: left; padding: .4rem .75rem; vertical-align: top; } th { color: var(--soft); font-weight: 500; border-bottom: 1px solid var(--line); }
tr + tr td { border-top: 1px solid var(--line); } td.tag { white-space: nowrap; } td small { display: block; }
`;

const SIZES = `
@media (max-width: 30rem) { .gauges { grid-template-columns: repeat(2, minmax(0, 1fr)); } main { padding: .6rem .6rem 2rem; } .verdict { padding: .8rem; } .verdict .mark { width: 2.4rem; height: 2.4rem; font-size: 1.4rem; }
  .verdict h1 { font-size: 1.4rem; } .verdict p { font-size: 1rem; grid-column: 1 / 3; margin-top: .4rem; } .verdict .mark { grid-row: auto; }
  .chain li { font-size: .74rem; } .events li { grid-template-columns: auto 1rem; } .events span { grid-column: 1 / 3; } .runner, .cause { padding: .7rem; } }
@media (min-width: 100rem) { .causes { display: grid; grid-template-columns: repeat(auto-fit, minmax(42rem, 1fr)); gap: 0 .8rem; align-items: start; } body { font-size: 18px; } main { max-width: 110rem; } .verdict h1 { font-size: 2.4rem; } .verdict p { font-size: 1.4rem; }
  .runners { grid-template-columns: repeat(auto-fill, minmax(21rem, 1fr)); } }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
@media print { .copy, #stale { display: none; } }
`;

/** Line ends and indents are for those who read them here. */
const STYLE = `${COLOURS}${FRAME}${PARTS}${SIZES}`.replaceAll(/\n\s*/g, '\n');

/** In one piece, since the hash is of every byte between the tags: a space more and no browser applies it. */
export const STYLE_ELEMENT = new Html(`<style>${STYLE}</style>`);

/** For the content security policy: this style and no other. */
export const STYLE_HASH = `sha256-${createHash('sha256').update(STYLE).digest('base64')}`;
