/** Decides which texts of a configuration may be shown. In doubt none: more people read a message than the file. */

const SECRET_KEY = /token|passw|secret|key|dsn|credential|auth|environment|env$|script|header/i;
const SECRET_TEXT = /gl[a-z]{2,}-|GR1348941|[0-9A-Za-z_+/-]{20,}|:\/\/[^/\s]*@/;
/** Plain names, numbers, sizes, durations, addresses and paths. */
const PLAIN_TEXT = /^[\w .:/@%+-]{0,60}$/;
const HIDDEN = '…';

/** As tokens and passwords are: long without a break, or of every kind of letter. */
const LONG_RUN = /[0-9A-Za-z]{20,}/;
const MIXED_RUN = /(?=[0-9A-Za-z]{12,})(?=[^a-z_-]*[a-z])(?=[^A-Z_-]*[A-Z])(?=[^0-9_-]*[0-9])/;
const TOKEN = /gl[a-z]{2,}-|GR1348941/i;

/** The text, or `…` when the key or the text itself may be secret. */
export function redactValue(key: string, text: string): string {
  const isPlain = PLAIN_TEXT.test(text) && !SECRET_TEXT.test(text);
  return (isPlain || isPath(key, text)) && !SECRET_KEY.test(key) ? text : HIDDEN;
}

/** Where a path belongs a long one is shown: of names without more than one number, so that none is a token or a UUID. */
function isPath(key: string, text: string): boolean {
  const isOfPaths = text.startsWith('unix://') || PATH_KEY.test(key);
  const names = text.replace(/^unix:\/\//, '').split('/');
  return (
    isOfPaths &&
    /^(?:unix:\/\/)?(?:\/[\w.@+-]{1,60}){1,20}\/?$/.test(text) &&
    names.every((name) => !isSecretName(name) && (name.match(/\d+/g) ?? []).length < 2)
  );
}

const PATH_KEY = /file$|dir$|^host$|exec$|path$/i;

function isSecretName(name: string): boolean {
  return TOKEN.test(name) || LONG_RUN.test(name) || MIXED_RUN.test(name);
}

/** A name that a person chose: of an entry, a label, a feature flag, an unknown key. */
export function redactName(name: string): string {
  return !isSecretName(name) && /^[\w .:@/+-]{1,60}$/.test(name) ? name : HIDDEN;
}
