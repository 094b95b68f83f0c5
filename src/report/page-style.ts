/** The style of the status page: one block, no outside resource, light and dark, readable on a phone. */
import { createHash } from 'node:crypto';

import { Html } from './html.ts';

const STYLE = `
:root { color-scheme: light dark;
  --back: #f6f7f9; --card: #ffffff; --ink: #1b1f24; --soft: #59626d; --line: #d9dee4; --code: #f0f2f5;
  --good: #1a7f37; --warn: #9a6700; --bad: #c4231b; --rest: #6b7580; }
@media (prefers-color-scheme: dark) { :root {
  --back: #101317; --card: #181c21; --ink: #e7ebef; --soft: #9aa5b1; --line: #2c333b; --code: #0d1013;
  --good: #4cc46a; --warn: #e0aa3e; --bad: #ff7069; --rest: #8b96a2; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 1.25rem 1rem 3rem; }
header { display: flex; flex-wrap: wrap; gap: .25rem 1rem; align-items: baseline; color: var(--soft); }
header b { color: var(--ink); }
.demo { background: var(--warn); color: var(--back); padding: .4rem 1rem; text-align: center; font-weight: 600; }
.verdict { background: var(--card); border: 1px solid var(--line); border-left: .5rem solid var(--tone);
  border-radius: .5rem; padding: 1rem 1.25rem; margin: 1rem 0; }
.verdict h1 { margin: 0; font-size: 1.6rem; color: var(--tone); }
.verdict p { margin: .25rem 0 0; font-size: 1.1rem; overflow-wrap: anywhere; }
.healthy, .pass { --tone: var(--good); } .degraded, .warn, .unsure, .warning, .notice { --tone: var(--warn); }
.broken, .fail, .critical { --tone: var(--bad); } .unknown, .skipped, .info { --tone: var(--rest); }
h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
.cause { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: 1rem 1.25rem; margin: .75rem 0; }
.cause h3 { margin: 0 0 .25rem; font-size: 1.1rem; }
.cause .meta { color: var(--soft); margin: 0 0 .75rem; }
.cause dl { display: grid; grid-template-columns: 7rem minmax(0, 1fr); gap: .35rem 1rem; margin: 0; }
.cause dt { color: var(--soft); } .cause dd { margin: 0; overflow-wrap: anywhere; }
.tag { color: var(--tone); font-weight: 600; }
ol { margin: 0; padding-left: 1.2rem; } li + li { margin-top: .4rem; } ul { margin: 0; padding-left: 1.1rem; }
pre { background: var(--code); border: 1px solid var(--line); border-radius: .35rem; margin: .25rem 0 0; padding: .5rem .75rem;
  white-space: pre-wrap; overflow-wrap: anywhere; font: 13px/1.45 ui-monospace, monospace; user-select: all; }
.scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .45rem .75rem; vertical-align: top; }
th { color: var(--soft); font-weight: 500; border-bottom: 1px solid var(--line); white-space: nowrap; }
tr + tr td { border-top: 1px solid var(--line); } td { overflow-wrap: break-word; }
td small { color: var(--soft); display: block; }
.chain { display: flex; flex-wrap: wrap; gap: .3rem; }
.link { border: 1px solid var(--tone); color: var(--tone); border-radius: 1rem; padding: 0 .6rem; font-size: 13px; white-space: nowrap; }
.skipped.link { border-style: dashed; }
.status { color: var(--tone); font-weight: 600; white-space: nowrap; }
footer { margin-top: 2rem; color: var(--soft); font-size: 13px; } a { color: inherit; }
@media (max-width: 40rem) { .cause dl { grid-template-columns: minmax(0, 1fr); gap: .1rem; } .cause dd { margin-bottom: .5rem; } }
`;

/** In one piece, since the hash is of every byte between the tags: a space more and no browser applies it. */
export const STYLE_ELEMENT = new Html(`<style>${STYLE}</style>`);

/** For the content security policy: this style and no other. */
export const STYLE_HASH = `sha256-${createHash('sha256').update(STYLE).digest('base64')}`;
