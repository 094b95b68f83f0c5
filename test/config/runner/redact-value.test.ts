/** Which texts of a configuration may be shown: a long path where a path belongs, and nothing that may be a secret. */
import { expect, test } from 'vitest';

import { redactValue } from '../../../src/config/runner/redact-value.ts';

test.each([
  ['host', '/run/user/1000/podman/podman.sock'],
  ['host', 'unix:///run/user/1000/podman/podman.sock'],
  ['tls-ca-file', '/etc/gitlab-runner/certs/gitlab.example.com.crt'],
  ['image', 'registry.example.com/group/project/alpine:3.22.1'],
  ['builds_dir', '/srv/data/gitlab-runner/builds-of-all'],
])('%s = "%s" is shown', (key, text) => {
  expect(redactValue(key, text)).toBe(text);
});

test.each([
  ['memory', '/xoxb-123456789012-1234567890123-AbCd'],
  ['host', '/9f8b7c6d-1a2b-3c4d-5e6f-7a8b9c0d1e2f'],
  ['host', '/hooks/aB3dE5gH7jK/mN9pQ1sT'],
  ['host', 'https://me:secret@docker.example.com/a-long-path-of-a-server'],
  ['path', '/glrt-wQz3kLmN8pRs2TuVx5Ya'],
  ['tls-ca-file', '/x/0123456789abcdefghij'],
  ['token_file', '/etc/gitlab-runner/a-long-path-of-certificates/ca.pem'],
  ['token', '/etc/gitlab-runner/certs/gitlab.example.com.crt'],
  ['password_file', '/etc/gitlab-runner/certs/gitlab.example.com.crt'],
  ['memory', '/correct-horse-battery-staple'],
])('%s = "%s" is hidden', (key, text) => {
  expect(redactValue(key, text)).toBe('…');
});
