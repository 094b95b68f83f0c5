/**
 * The one list of what a fresh Debian machine needs beside Node and npm, and why. Plain JavaScript, since
 * it is read before the project's own Node is installed.
 */

/** @typedef {{ readonly name: string, readonly proof: string, readonly why: string }} DebianPackage */

/** `proof` is a file or a program that is there when the package is. */
const RUNTIME = [
  { name: 'libatomic1', proof: 'libatomic.so.1', why: 'Node 26 is linked against it' },
];

const TESTS = [
  { name: 'squid', proof: 'squid', why: 'a real proxy for the walk' },
  { name: 'nginx-light', proof: 'nginx', why: 'a real web server before GitLab' },
  { name: 'haproxy', proof: 'haproxy', why: 'a real balancer before GitLab' },
  { name: 'prometheus', proof: 'promtool', why: 'promtool, and a real scrape' },
  { name: 'prometheus-alertmanager', proof: 'prometheus-alertmanager', why: 'a real Alertmanager' },
  { name: 'systemd', proof: 'systemd-analyze', why: 'verifies the unit file; a real journal' },
  {
    name: 'systemd-journal-remote',
    proof: 'systemd-journal-remote',
    why: 'writes journals for the tests of the log reader',
  },
  { name: 'openssl', proof: 'openssl', why: 'a second opinion on certificates' },
  { name: 'chromium', proof: 'chromium', why: 'the page in a real browser' },
  { name: 'e2fsprogs', proof: 'mkfs.ext4', why: 'small file systems that fill up' },
  { name: 'acl', proof: 'setfacl', why: 'access lists beside the modes of files' },
  { name: 'mount', proof: 'losetup', why: 'mounts them' },
  { name: 'util-linux', proof: 'unshare', why: 'mount namespaces of the tests' },
  { name: 'iproute2', proof: 'ip', why: 'networks of the tests: two hosts and a cable' },
  { name: 'nftables', proof: 'nft', why: 'firewalls in those networks' },
  { name: 'iptables', proof: 'iptables-legacy', why: 'the same with both kinds of iptables' },
  { name: 'ethtool', proof: 'ethtool', why: 'real packet sizes on that cable' },
  { name: 'git', proof: 'git', why: 'the fresh-clone test' },
  { name: 'curl', proof: 'curl', why: 'commands of the readme' },
  { name: 'bsdutils', proof: 'script', why: 'a terminal for the demo’s tests' },
  { name: 'procps', proof: 'ps', why: 'looks for processes left behind' },
  { name: 'busybox-static', proof: 'busybox', why: 'printed commands on a small system' },
  { name: 'docker.io', proof: 'dockerd', why: 'a real Docker for the demo with a container' },
];

const LAB = [
  { name: 'util-linux', proof: 'unshare', why: 'namespaces of the fault lab' },
  { name: 'iproute2', proof: 'ip', why: 'the wire between them' },
  { name: 'nftables', proof: 'nft', why: 'firewalls that drop and reject' },
  { name: 'iptables', proof: 'iptables-legacy', why: 'both kinds of it; Docker and podman use it' },
  { name: 'ufw', proof: 'ufw', why: 'a firewall that a program manages' },
  { name: 'procps', proof: 'sysctl', why: 'kernel settings of a namespace' },
  { name: 'ethtool', proof: 'ethtool', why: 'real packet sizes on a virtual wire' },
  { name: 'openssl', proof: 'openssl', why: 'hashes the passwords of the proxy' },
  { name: 'squid', proof: 'squid', why: 'a real proxy' },
  { name: 'nginx-light', proof: 'nginx', why: 'a web server that is no GitLab' },
  { name: 'e2fsprogs', proof: 'mkfs.ext4', why: 'small disks that fill up' },
  { name: 'mount', proof: 'losetup', why: 'mounts them' },
  { name: 'squashfs-tools', proof: 'mksquashfs', why: 'an image that is full since it was made' },
  { name: 'systemd', proof: 'journalctl', why: 'reads a real journal' },
  { name: 'systemd-journal-remote', proof: 'systemd-journal-remote', why: 'writes it' },
  { name: 'docker.io', proof: 'dockerd', why: 'a real Docker with runners in its containers' },
  { name: 'podman', proof: 'podman', why: 'a real podman with such runners' },
  { name: 'runc', proof: 'runc', why: 'starts the containers of both' },
  { name: 'busybox-static', proof: 'busybox', why: 'the shell of the lab’s images' },
  { name: 'dumb-init', proof: 'dumb-init', why: 'the first process in GitLab’s image' },
];

/** What a task needs. @type {Readonly<Record<string, readonly DebianPackage[]>>} */
export const NEEDED = {
  build: RUNTIME,
  demo: RUNTIME,
  test: [...RUNTIME, ...TESTS],
  lab: [...RUNTIME, ...LAB],
};
