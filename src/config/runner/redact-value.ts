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

const PATH_KEY =
  /file$|dir$|host$|exec$|path$|^volumes$|^plugin$|^name$|image|^extra_hosts$|address$/i;
const PATH = /^(?:unix:\/\/)?[\w ./:%+-]{1,200}$/;
/** A UUID, a number as in the tokens of others, or a digit between letters of another case. */
const NUMBERED = /[\dA-Fa-f]{4,}-[\dA-Fa-f]{4}-|\d{10,}|[a-z]\d[A-Z]|[A-Z]\d[a-z]/;

/** Where a path belongs a long one is shown, if no name in it could be a secret. */
function isPath(key: string, text: string): boolean {
  return (
    PATH_KEY.test(key) &&
    PATH.test(text) &&
    text
      .split(/[/:]/)
      .every((name) => name === '' || (redactName(name) === name && !NUMBERED.test(name)))
  );
}

function isSecretName(name: string): boolean {
  return TOKEN.test(name) || LONG_RUN.test(name) || MIXED_RUN.test(name);
}

/** A name that a person chose: of an entry, a label, a feature flag, an unknown key. */
export function redactName(name: string): string {
  return !isSecretName(name) && /^[\w .:@/+-]{1,60}$/.test(name) ? name : HIDDEN;
}
