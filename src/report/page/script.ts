/**
 * The script of the status page, served as a file of its own: it renews the page in place and copies commands. The
 * page is whole without it. Written as text, since it runs in a browser and not here.
 */

/** Short enough to see a fix take effect, long enough to cause no load. */
export const RENEW_SECONDS = 5;

export const PAGE_SCRIPT = `'use strict';
const PAUSE = ${RENEW_SECONDS * 1000};
const main = () => document.querySelector('main');

function addCopyButtons(root) {
  for (const pre of root.querySelectorAll('pre')) {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'copy';
    button.textContent = 'Copy';
    button.setAttribute('aria-label', 'Copy: ' + pre.textContent);
    button.addEventListener('click', () => void copy(pre, button));
    const box = document.createElement('div');
    box.className = 'command';
    pre.replaceWith(box);
    box.append(pre, button);
  }
}

async function copy(pre, button) {
  try {
    await navigator.clipboard.writeText(pre.textContent);
  } catch {
    // Without TLS a browser has no clipboard: what is selected can still be copied.
    getSelection().selectAllChildren(pre);
    document.execCommand('copy');
  }
  button.textContent = 'Copied';
  setTimeout(() => { button.textContent = 'Copy'; }, 2000);
}

/** Parts that the reader opened stay open, and the focus stays where it is. */
function replaceMain(fresh) {
  const old = main();
  for (const details of old.querySelectorAll('details[id]')) {
    const twin = fresh.querySelector('#' + CSS.escape(details.id));
    if (twin) twin.open = details.open;
  }
  const focused = old.contains(document.activeElement) ? pathTo(document.activeElement, old) : null;
  addCopyButtons(fresh);
  old.replaceWith(fresh);
  if (focused) find(focused, fresh)?.focus({ preventScroll: true });
}

function pathTo(element, root) {
  const path = [];
  for (let at = element; at !== root; at = at.parentElement) {
    path.unshift([...at.parentElement.children].indexOf(at));
  }
  return path;
}

function find(path, root) {
  return path.reduce((at, index) => at?.children[index], root);
}

function selectsText() {
  const selection = getSelection();
  return selection && !selection.isCollapsed && main().contains(selection.anchorNode);
}

async function renew() {
  if (document.hidden || selectsText()) return;
  const answer = await fetch('.', { headers: { Accept: 'text/html' }, signal: AbortSignal.timeout(10000) });
  if (!answer.ok) throw new Error(String(answer.status));
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
  const fresh = page.querySelector('main');
  if (!fresh) throw new Error('no page');
  replaceMain(document.adoptNode(fresh));
  document.title = page.title;
  tell('');
}

/** Outdated numbers must not look current. */
function tell(text) {
  const line = document.getElementById('stale');
  line.textContent = text;
  line.hidden = text === '';
}

let seenAt = Date.now();
async function loop() {
  try {
    await renew();
    seenAt = Date.now();
  } catch {
    const seconds = Math.round((Date.now() - seenAt) / 1000);
    tell('runnerwatch does not respond. This page is ' + seconds + ' seconds old.');
  }
  setTimeout(loop, PAUSE);
}

addCopyButtons(document);
setTimeout(loop, PAUSE);
document.addEventListener('visibilitychange', () => { if (!document.hidden) renew().catch(() => {}); });
`;
