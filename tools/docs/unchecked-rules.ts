/** What the linter does not check, with the reason: a section of docs/lint.md. */

/** A rule, or a part of one, that the linter does not check. */
export interface Unchecked {
  readonly code: string;
  readonly what: string;
  readonly because: string;
}

/** Codes without a rule. */
export const UNCHECKED_RULES: readonly Unchecked[] = [
  {
    code: 'R04',
    what: 'a slash at the end of `url`',
    because: 'the runner removes it, and `gitlab-runner register` itself writes it',
  },
];

/** Parts of rules that need more than the file, its host and the runner process. */
export const UNCHECKED_PARTS: readonly Unchecked[] = [
  {
    code: 'F06',
    what: 'a file that other users may read, in a directory that they may not enter',
    because: 'they cannot reach it',
  },
  {
    code: 'R06',
    what: 'whether http:// is redirected to https://',
    because: 'it needs a request; the daemon makes it and reports `url-redirect-breaks-post`',
  },
  {
    code: 'R24',
    what: 'whether GitLab can be reached without the proxy',
    because: 'it needs a connection; the daemon makes it and reports `proxy-setting-not-applied`',
  },
  {
    code: 'X04',
    what: 'a full file system below `builds_dir`',
    because: 'the daemon checks it and reports `disk-space-exhausted`',
  },
  {
    code: 'D18',
    what: 'whether the tag is that of the version of the runner',
    because: 'the version is only known by starting the program',
  },
  {
    code: 'F09',
    what: 'a change with an old modification time, from the command line',
    because: 'the command reads the file once; the daemon sees the change',
  },
  {
    code: 'A01',
    what: 'a plugin that is named without a path',
    because: 'its directory depends on how it was installed',
  },
];
