/** What the linter does not judge, and why: for docs/lint.md, and for a test that misses nothing. */

export interface NotJudged {
  readonly code: string;
  readonly what: string;
  readonly because: string;
}

/** Rules that there are not. */
export const LEFT_OUT: readonly NotJudged[] = [
  {
    code: 'R04',
    what: 'a slash at the end of `url`',
    because: 'the runner strips it, and `register` itself writes it: there is nothing to do',
  },
];

/** Parts of rules that need more than a file, its host and its process. */
export const IN_PART: readonly NotJudged[] = [
  {
    code: 'F06',
    what: 'a file that others may read, in a folder that they may not enter',
    because: 'nobody can reach it',
  },
  {
    code: 'R06',
    what: 'whether http:// is redirected to https://',
    because: 'it would need a request; the daemon makes it and names `url-redirect-breaks-post`',
  },
  {
    code: 'R24',
    what: 'whether GitLab can be reached without the proxy',
    because:
      'it would need a connection; the daemon makes it and names `proxy-setting-not-applied`',
  },
  {
    code: 'X04',
    what: 'a full file system below `builds_dir`',
    because: 'the daemon watches it and names `disk-space-exhausted`',
  },
  {
    code: 'D18',
    what: 'whether the tag fits the version of the runner',
    because: 'the version is only known by starting the program',
  },
  {
    code: 'F09',
    what: 'a change with an old time, from the command line',
    because: 'one look sees no change; the daemon does',
  },
  {
    code: 'A01',
    what: 'a plug-in that is named without a path',
    because: 'where it is looked for depends on how it was installed',
  },
];
