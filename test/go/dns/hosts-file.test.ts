import { describe, expect, test } from 'vitest';

import { lookUpHosts, lookupOrder } from '../../../src/go/dns/hosts-file.ts';

const HOSTS = `
127.0.0.1 localhost
10.0.0.5	GitLab.test gitlab # gitlab-old.test
# 10.0.0.6 commented.test
10.0.0.7 gitlab.test
fe80::1%eth0 link.test
nonsense gitlab.test
::1 six.test
`;

describe('a hosts file gives', () => {
  test.each([
    ['gitlab.test', ['10.0.0.5', '10.0.0.7']],
    ['GITLAB.TEST.', ['10.0.0.5', '10.0.0.7']],
    ['gitlab', ['10.0.0.5']],
    ['gitlab-old.test', []],
    ['commented.test', []],
    ['link.test', ['fe80::1%eth0']],
    ['six.test', ['::1']],
    ['10.0.0.5', []],
    ['', []],
  ])('%s → %o', (name, addresses) => {
    expect(lookUpHosts(HOSTS, name)).toEqual(addresses);
  });
});

describe('nsswitch.conf orders the sources', () => {
  test.each([
    [undefined, ['files', 'dns']],
    ['passwd: files\n', ['files', 'dns']],
    ['hosts: files dns\n', ['files', 'dns']],
    ['hosts: dns files\n', ['dns', 'files']],
    ['hosts: files\n', ['files']],
    ['hosts: dns\n', ['dns']],
    ['hosts:\n', ['files', 'dns']],
    ['hosts: # files\n', ['files', 'dns']],
    ['hosts: files mdns4_minimal [NOTFOUND=return] dns myhostname\n', ['files', 'dns']],
    ['hosts: files resolve [!UNAVAIL=return]\n', ['files', 'dns']],
    ['hosts: mymachines resolve files\n', ['dns', 'files']],
    ['#hosts: dns files\nhosts: files dns\n', ['files', 'dns']],
    ['hosts : dns\nhosts: files\n', ['dns', 'files']],
    ['hosts: mymachines dns files\n', ['dns', 'files']],
    ['hosts: myhostname mdns4\n', ['dns']],
    ['hosts: dns\nno colon here\n', ['files', 'dns']],
    ['hosts: dns [NOTFOUND=return\n', ['files', 'dns']],
  ])('%o → %o', (text, order) => {
    expect(lookupOrder(text)).toEqual(order);
  });
});
