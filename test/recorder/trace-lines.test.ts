/** The lines that are compared, and that none of them shows what may be secret. */
import { describe, expect, test } from 'vitest';

import {
  configLines,
  hostsLines,
  nameServiceLines,
  proxyLines,
  resolverLines,
} from '../../src/recorder/trace-lines.ts';

const SECRET = 'KanaryKanary';
const CONFIG = `concurrent = 4 # jobs
[[runners]]
  url = "https://gitlab.example.com/"
  token = "glrt-${SECRET}"
  name = "docker-1"
  environment = ["HTTPS_PROXY=http://me:${SECRET}@proxy:3128"]
  pre_build_script = """
  url = ${SECRET}
  export PASSWORD=${SECRET}
  """
[[runners]]
  name = "docker-2"
  url = "https://me:${SECRET}@gitlab.example.com/"
  executor = "docker"
`;

describe('config.toml', () => {
  test('shows known keys, with the entry that they belong to', () => {
    const lines = configLines(CONFIG).filter(({ isHidden }) => isHidden !== true);

    expect(lines.map(({ text, kind, entry }) => [text.trim(), kind, entry])).toEqual([
      ['concurrent = 4 # jobs', 'config', undefined],
      ['url = "https://gitlab.example.com/"', 'config-url', 'docker-1'],
      ['executor = "docker"', 'config-executor', 'docker-2'],
    ]);
  });

  test('keeps a digest of all else, and no secret', () => {
    const lines = configLines(CONFIG);
    const hidden = lines.filter(({ isHidden }) => isHidden === true);

    const named = hidden.map(({ text }) => text).filter((text) => text !== 'a line');

    expect(named).toEqual(['token', 'url']);
    expect(JSON.stringify(lines)).not.toContain(SECRET);
  });

  test.each([
    ['a token', 'glrt-', 'glrt-x', 'config-token'],
    ['a line of a script', 'export', 'unset', 'config'],
  ])('another value of %s is another line', (_what, from, to, kind) => {
    const before = configLines(CONFIG).map(({ key }) => key);
    const after = configLines(CONFIG.replace(from, to));

    expect(after.filter(({ key }) => !before.includes(key)).map((one) => one.kind)).toEqual([kind]);
  });

  test.each([`"glrt-${SECRET}"`, `"https://gitlab.example.com/?private_token=${SECRET}"`])(
    'a url that is %s by mistake is not shown',
    (value) => {
      expect(JSON.stringify(configLines(`[[runners]]\nurl = ${value}\n`))).not.toContain(SECRET);
    },
  );

  test('a broken file is read line by line, too', () => {
    const lines = configLines('[[runners]\n  url = "https://gitlab.example.com/\n');

    expect(lines.map(({ text }) => text.trim())).toContain('url = "https://gitlab.example.com/');
  });
});

test('a hosts file shows the lines that name these hosts; a comment is no difference', () => {
  const text = '127.0.0.1 localhost\n10.0.0.9  GitLab.example.com # office\n# gitlab.example.com\n';

  expect(hostsLines(text, ['gitlab.example.com'])).toEqual([
    {
      text: '10.0.0.9  GitLab.example.com # office',
      key: '10.0.0.9 GitLab.example.com',
    },
  ]);
});

test('resolv.conf and nsswitch.conf show what they set', () => {
  expect(resolverLines('# x\nnameserver 10.0.0.2\n; y\nsearch a\n').map(({ key }) => key)).toEqual([
    'nameserver 10.0.0.2',
    'search a',
  ]);
  expect(nameServiceLines('passwd: files\nhosts:  files dns\n').map(({ key }) => key)).toEqual([
    'hosts: files dns',
  ]);
});

test('another password of a proxy is another line with the same text', () => {
  const [before, after] = ['old', 'new'].map((word) =>
    proxyLines({ HTTPS_PROXY: `http://me:${SECRET}${word}@proxy:3128` }),
  );

  expect(before?.map(({ key }) => key)).not.toEqual(after?.map(({ key }) => key));
  expect(before?.map(({ text }) => text)).toEqual(after?.map(({ text }) => text));
  expect(JSON.stringify([before, after])).not.toContain(SECRET);
});

test('a proxy with a login is shown without it', () => {
  const lines = proxyLines({
    HTTPS_PROXY: `http://me:${SECRET}@proxy:3128`,
    NO_PROXY: 'a',
    PATH: '/bin',
  });

  expect(lines).toMatchObject([
    { text: 'HTTPS_PROXY=http://[hidden]@proxy:3128', isHidden: true },
    { text: 'NO_PROXY=a' },
  ]);
  expect(JSON.stringify(lines)).not.toContain(SECRET);
});
