/** A line for each row of the table of known lines, and more where a row has more than one form. */
import type { LogEntry } from '../../support/runner-lines.ts';

export interface KnownLine {
  /** Row of docs/reference/runner-log.md; 0 for what is in none of its rows. */
  readonly n: number;
  readonly entry: LogEntry;
  readonly kind: string;
  readonly cause: string | undefined;
}

/** How every failed poll begins. */
const HEAD =
  'execute JSON request: execute request: couldn\'t execute POST against https://H/api/v4/jobs/request: Post "https://H/api/v4/jobs/request": ';

/** Row, level, kind, cause, message, then its fields; `~` stands for the head of a failed poll. */
const TABLE = `
1 | warning | poll-failed | dns-name-not-found | Checking for jobs... failed | runner=abc12defg | status=~ dial tcp: lookup H on 10.200.0.2:53: no such host
2 | warning | poll-failed | dns-server-failure | Checking for jobs... failed | runner=abc12defg | status=~ dial tcp: lookup H on 10.200.0.2:53: server misbehaving
3 | warning | poll-failed | dns-timeout | Checking for jobs... failed | runner=abc12defg | status=~ dial tcp: lookup H on 10.200.0.2:53: read udp 10.200.0.1:42182->10.200.0.2:53: i/o timeout
3 | warning | poll-failed | firewall-local-block | Checking for jobs... failed | runner=abc12defg | status=~ dial tcp: lookup H on 10.200.0.2:53: write udp 10.200.0.1:42182->10.200.0.2:53: write: operation not permitted
4 | warning | poll-failed | dns-resolver-down | Checking for jobs... failed | runner=abc12defg | status=~ dial tcp: lookup H on [::1]:53: read udp [::1]:42208->[::1]:53: read: connection refused
5 | warning | poll-failed | tcp-connection-refused | Checking for jobs... failed | runner=abc12defg | status=~ dial tcp 10.200.0.2:443: connect: connection refused
6 | warning | poll-failed | tcp-connect-timeout | Checking for jobs... failed | runner=abc12defg | status=~ dial tcp 10.200.0.2:443: i/o timeout
6 | warning | poll-failed | tcp-connect-timeout | Checking for jobs... failed | runner=abc12defg | status=~ dial tcp 10.200.0.2:443: connect: connection timed out
7 | warning | poll-failed | network-no-route | Checking for jobs... failed | runner=abc12defg | status=~ dial tcp 10.200.0.2:443: connect: no route to host
7 | warning | poll-failed | network-no-route | Checking for jobs... failed | runner=abc12defg | status=~ dial tcp 10.200.0.2:443: connect: invalid argument
7 | warning | poll-failed | firewall-reject | Checking for jobs... failed | runner=abc12defg | status=~ dial tcp 10.200.0.2:443: connect: protocol not available
8 | warning | poll-failed | ephemeral-ports-exhausted | Checking for jobs... failed | runner=abc12defg | status=~ dial tcp 10.200.0.2:443: connect: cannot assign requested address
9 | warning | poll-failed | fd-limit-reached | Checking for jobs... failed | runner=abc12defg | status=~ dial tcp: lookup H: socket: too many open files
10 | warning | poll-failed | connection-reset-midstream | Checking for jobs... failed | runner=abc12defg | status=~ read tcp 10.0.0.1:5->10.0.0.2:443: read: connection reset by peer
11 | warning | poll-failed | connection-reset-midstream | Checking for jobs... failed | runner=abc12defg | status=~ EOF
12 | warning | poll-failed | tls-handshake-blocked | Checking for jobs... failed | runner=abc12defg | status=~ net/http: TLS handshake timeout
13 | warning | poll-failed | tls-unknown-authority | Checking for jobs... failed | runner=abc12defg | status=~ tls: failed to verify certificate: x509: certificate signed by unknown authority
13 | warning | poll-failed | tls-cert-not-acceptable | Checking for jobs... failed | runner=abc12defg | status=~ tls: failed to verify certificate: x509: a root or intermediate certificate is not authorized to sign for this name
14 | warning | poll-failed | tls-cert-not-acceptable | Checking for jobs... failed | runner=abc12defg | status=~ tls: failed to verify certificate: x509: certificate signed by unknown authority (possibly because of "x509: cannot verify signature: insecure algorithm SHA1-RSA")
15 | warning | poll-failed | tls-certificate-expired | Checking for jobs... failed | runner=abc12defg | status=~ tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2026-11-24T09:00:00Z is after 2026-11-23T00:00:00Z
15 | warning | poll-failed | tls-certificate-expired | Checking for jobs... failed | runner=abc12defg | status=~ tls: failed to verify certificate: x509: certificate has expired or is not yet valid
16 | warning | poll-failed | tls-certificate-not-yet-valid | Checking for jobs... failed | runner=abc12defg | status=~ tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2020-01-01T00:00:00Z is before 2026-01-01T00:00:00Z
17 | warning | poll-failed | tls-hostname-mismatch | Checking for jobs... failed | runner=abc12defg | status=~ tls: failed to verify certificate: x509: certificate is valid for other.test, not H
18 | warning | poll-failed | tls-no-san | Checking for jobs... failed | runner=abc12defg | status=~ tls: failed to verify certificate: x509: certificate relies on legacy Common Name field, use SANs instead
19 | warning | poll-failed | tls-no-san | Checking for jobs... failed | runner=abc12defg | status=~ tls: failed to verify certificate: x509: cannot validate certificate for 10.200.0.2 because it doesn't contain any IP SANs
20 | warning | poll-failed | tls-unknown-authority | Checking for jobs... failed | runner=abc12defg | status=~ tls: failed to verify certificate: x509: failed to load system roots and no roots provided
21 | warning | poll-failed | tls-protocol-unsupported | Checking for jobs... failed | runner=abc12defg | status=~ remote error: tls: handshake failure
22 | warning | poll-failed | tls-client-cert-required | Checking for jobs... failed | runner=abc12defg | status=~ remote error: tls: certificate required
23 | warning | poll-failed | tls-protocol-unsupported | Checking for jobs... failed | runner=abc12defg | status=~ remote error: tls: protocol version not supported
24 | warning | poll-failed | tls-plaintext-server | Checking for jobs... failed | runner=abc12defg | status=~ http: server gave HTTP response to HTTPS client
25 | warning | poll-failed | tls-plaintext-server | Checking for jobs... failed | runner=abc12defg | status=~ tls: first record does not look like a TLS handshake
104 | warning | poll-failed | http2-only-server | Checking for jobs... failed | runner=abc12defg | status=~ net/http: HTTP/1.x transport connection broken: malformed HTTP response "\\x00\\x00\\x18\\x04\\x00\\x00\\x00\\x00\\x00"
105 | warning | poll-failed | not-a-gitlab-server | Checking for jobs... failed | runner=abc12defg | status=~ net/http: HTTP/1.x transport connection broken: malformed HTTP response "SSH-2.0-OpenSSH_9.2"
106 | warning | poll-failed | http-response-malformed | Checking for jobs... failed | runner=abc12defg | status=~ net/http: HTTP/1.x transport connection broken: malformed MIME header line: "X-A: a\\x01b"
106 | warning | poll-failed | http-response-malformed | Checking for jobs... failed | runner=abc12defg | status=~ net/http: HTTP/1.x transport connection broken: unsupported transfer encoding: "gzip, chunked"
106 | warning | poll-failed | http-response-malformed | Checking for jobs... failed | runner=abc12defg | status=~ net/http: HTTP/1.x transport connection broken: malformed HTTP response ""
106 | warning | poll-failed | http-response-malformed | Checking for jobs... failed | runner=abc12defg | status=~ failed to parse Location header ":b": parse ":b": missing protocol scheme
11 | warning | poll-failed | connection-reset-midstream | Checking for jobs... failed | runner=abc12defg | status=~ net/http: HTTP/1.x transport connection broken: unexpected EOF
26 | warning | poll-failed | proxy-unreachable | Checking for jobs... failed | runner=abc12defg | status=~ proxyconnect tcp: dial tcp 10.200.0.2:3999: connect: connection refused
26 | warning | poll-failed | proxy-name-not-found | Checking for jobs... failed | runner=abc12defg | status=~ proxyconnect tcp: dial tcp: lookup proxy: no such host
27 | warning | poll-failed | proxy-auth-required | Checking for jobs... failed | runner=abc12defg | status=~ Proxy Authentication Required
28 | warning | poll-failed | proxy-connect-denied | Checking for jobs... failed | runner=abc12defg | status=~ Forbidden
28 | warning | poll-failed | proxy-upstream-failed | Checking for jobs... failed | runner=abc12defg | status=~ Bad Gateway
29 | warning | poll-failed | proxy-upstream-failed | Checking for jobs... failed | runner=abc12defg | status=~ socks connect tcp 10.0.0.3:1080->H:443: unknown error host unreachable
30 | warning | poll-failed | proxy-auth-required | Checking for jobs... failed | runner=abc12defg | status=407 Proxy Authentication Required
31 | warning | poll-failed | edge-auth-gateway | Checking for jobs... failed | runner=abc12defg | status=200 OK
32 | warning | poll-failed | not-a-gitlab-server | Checking for jobs... failed | runner=abc12defg | status=execute JSON request: response is not application/json
33 | warning | poll-failed | url-path-wrong | Checking for jobs... failed | runner=abc12defg | status=404 Not Found
33 | warning | poll-failed | gitlab-version-skew | Checking for jobs... failed | runner=abc12defg | status=POST https://H/api/v4/jobs/request: 400 Bad Request ()
33 | warning | poll-failed | url-path-wrong | Checking for jobs... failed | runner=abc12defg | status=POST https://H/api/v4/jobs/request: 404 Not Found (404 Not found)
34 | warning | poll-failed | gitlab-bad-gateway | Checking for jobs... failed | runner=abc12defg | status=502 Bad Gateway
35 | warning | poll-failed | gitlab-internal-error | Checking for jobs... failed | runner=abc12defg | status=500 Internal Server Error
35 | warning | poll-failed | gitlab-unavailable | Checking for jobs... failed | runner=abc12defg | status=504 Gateway Timeout
35 | warning | poll-failed | gitlab-not-responding | Checking for jobs... failed | runner=abc12defg | status=~ net/http: timeout awaiting response headers
38 | warning | poll-failed | gitlab-rate-limited | Checking for jobs... failed | runner=abc12defg | status=execute JSON request: execute request: gave up due to rate limit
38 | warning | poll-failed | gitlab-rate-limited | Checking for jobs... failed | runner=abc12defg | status=429 Too Many Requests
39 | warning | noted | - | Checking for jobs... failed | runner=abc12defg | status=POST https://H/api/v4/jobs/request: 409 Conflict
0 | warning | poll-failed | - | Checking for jobs... failed | runner=abc12defg | status=something nobody has seen
36 | warning | poll-failed | gitlab-unavailable | Checking for jobs... GitLab instance currently unavailable | runner=abc12defg | status=503 Service Unavailable
37 | info | poll-waits | gitlab-rate-limited | Waiting before making the next call | context=ratelimit-requester-gitlab-request | duration=1m0s | method=POST | url=https://H/api/v4/jobs/request
37 | info | poll-waits | gitlab-rate-limited | Waiting before making the next call | context=ratelimit-requester-gitlab-request | duration=60000000000 | method=POST | url=https://H/api/v4/jobs/request
37 | info | poll-waits | gitlab-rate-limited | Sleeping due to rate limit | context=ratelimit-requester-gitlab-request | duration=59.730391234s | method=POST | url=https://H/api/v4/jobs/request
37 | info | poll-waits | gitlab-rate-limited | Sleeping due to rate limit | context=ratelimit-requester-gitlab-request | duration=10s | method=POST | url=https://H/git/api/v4/jobs/request
37 | info | waiting | - | Waiting before making the next call | context=ratelimit-requester-gitlab-request | duration=1.46s | method=POST | url=https://H/api/v4/jobs/request
37 | info | waiting | - | Waiting before making the next call | context=ratelimit-requester-gitlab-request | duration=1460000000 | method=POST | url=https://H/api/v4/jobs/request
37 | info | waiting | - | Waiting before making the next call | context=ratelimit-requester-gitlab-request | duration=1m0s | method=PATCH | url=https://H/api/v4/jobs/7/trace
37 | info | waiting | - | Sleeping due to rate limit | context=ratelimit-requester-gitlab-request | duration=-1.2s | method=POST | url=https://H/api/v4/jobs/request
40 | info | noted | - | Couldn't parse rate limit header
41 | warning | poll-failed | runner-orphaned | Checking for jobs... failed | runner=abc12defg | status=POST https://H/api/v4/jobs/request: 422 Unprocessable Entity (Runner is orphaned)
41 | error | poll-failed | runner-orphaned | Checking for jobs... forbidden | runner=abc12defg | status=POST https://H/api/v4/jobs/request: 403 Forbidden (403 Forbidden - Runner is orphaned)
41 | error | poll-failed | token-rejected | Checking for jobs... forbidden | runner=abc12defg | status=POST https://H/api/v4/jobs/request: 403 Forbidden
42 | error | poll-failed | edge-waf-blocked | Checking for jobs... forbidden | runner=abc12defg | status=403 Forbidden
43 | error | disabled | runner-disabled-unhealthy | Runner "https://Habc12defg" is unhealthy and will be disabled for 1h0m0s seconds! | unhealthy_requests=3
44 | warning | forced | - | Runner "https://Habc12defg" is not healthy, but check for a new job will be forced!
45 | error | poll-failed | config-url-invalid | Checking for jobs... client error | runner=abc12defg | status=get client: new client: only http or https scheme supported
46 | error | token | token-rejected | Verifying runner... is removed | runner=abc12defg
46 | info | token | token-rejected | Verifying runner... is not valid | runner=abc12defg
46 | info | token-worked | - | Verifying runner... is valid | runner=abc12defg
46 | info | token-worked | - | Verifying runner... is alive | runner=abc12defg
47 | info | token-worked | - | Resetting runner authentication token... succeeded | runner=abc12defg
47 | error | token | token-expiring-soon | Resetting runner authentication token... failed | runner=abc12defg
48 | error | config-not-saved | token-rotation-not-persisted | Failed to save config | error=open /etc/gitlab-runner/config.toml: read-only file system
48 | error | config-not-saved | token-rotation-not-persisted | Failed to load config (token reset)
49 | warning | token | token-missing | Runner token is empty or whitespace; this runner will be skipped during job polling.
50 | error | config-not-loaded | config-syntax-error | Failed to load config | builds=0 | error=decoding configuration file: toml: line 4
51 | error | config-not-loaded | config-missing | Failed to load config stat /etc/gitlab-runner/config.toml: no such file or directory | builds=0
51 | error | config-not-loaded | config-unreadable | Failed to load config | error=open /etc/gitlab-runner/config.toml: permission denied
0 | fatal | fatal | runner-start-failed | Cannot do what nobody has heard of | error=no such thing
52 | fatal | fatal | config-unreadable | Service run failed | error=decoding configuration file: open /etc/gitlab-runner/config.toml: permission denied
52 | fatal | fatal | runner-start-failed | chdir /var/lib/gitlab-runner: no such file or directory |
52 | fatal | fatal | runner-start-failed | Service run failed | error=chdir /nowhere: no such file or directory
53 | info | setting | config-unknown-key | There might be a problem with your config based on jsonschema annotations in common/config.go
54 | error | poll-failed | config-executor-unknown | Executor "dokcer" is not known; marking Runner as unhealthy | runner=abc12defg
55 | fatal | fatal | config-concurrent-zero | 0<nil>
56 | fatal | fatal | runner-start-failed | Failed to create listener for metrics server | error=listen tcp :9252: bind: address already in use
57 | error | setting | - | invalid listen address: address nowhere
58 | error | setting | tls-ca-file-unreadable | Failed to load /etc/ssl/own.pem open /etc/ssl/own.pem: permission denied
58 | error | setting | tls-ca-file-invalid | Failed to parse PEM in /etc/ssl/own.pem
59 | warning | setting | tls-unknown-authority | Failed to load system CertPool: open: permission denied
60 | warning | setting | config-concurrency-starvation | CONFIGURATION: Long polling issues detected.
61 | fatal | fatal | runner-start-failed | loading system ID file: is a directory
103 | fatal | fatal | runner-permission-denied | loading system ID file: open /etc/gitlab-runner/.runner_system_id: permission denied
61 | warning | setting | - | Couldn't save new system ID on state file.
64 | warning | not-prepared | disk-space-exhausted | Failed to process runner | runner=abc12defg | error=create job trace: open /tmp/trace1: no space left on device
64 | error | not-prepared | disk-space-exhausted | Failed to read trace buffer bytes | job=7 | project=9 | runner=abc12defg | error=flushing log buffer: write /tmp/trace1: no space left on device
64 | warning | not-prepared | disk-space-exhausted | Preparation failed: mkdir /builds/a: no space left on device | job=7 | project=9 | runner=abc12defg
64 | warning | not-prepared | disk-space-exhausted | Preparation failed: mkdir /builds/a: disk quota exceeded | job=7 | project=9 | runner=abc12defg
64 | warning | not-prepared | disk-docker-root-full | Preparation failed: Error response from daemon: write /var/lib/docker/overlay2/x: no space left on device | job=7 | project=9 | runner=abc12defg
65 | warning | not-prepared | docker-daemon-down | Preparation failed: getting docker info: failed to connect to the docker API at unix:///var/run/docker.sock; check if the path is correct and if the daemon is running | job=7 | project=9 | runner=abc12defg
65 | warning | not-prepared | docker-daemon-down | Preparation failed: Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running? | job=7 | project=9 | runner=abc12defg
66 | warning | not-prepared | docker-socket-permission | Preparation failed: permission denied while trying to connect to the docker API at unix:///var/run/docker.sock | job=7 | project=9 | runner=abc12defg
67 | warning | not-prepared | docker-daemon-down | Preparation failed: creating docker connection: unsupported os type | job=7 | project=9 | runner=abc12defg
67 | warning | not-prepared | docker-api-incompatible | Preparation failed: Error response from daemon: client version 1.43 is too old. Minimum supported API version is 1.44 | job=7 | project=9 | runner=abc12defg
67 | warning | not-prepared | docker-network-pool-exhausted | Preparation failed: could not find an available, non-overlapping IPv4 address pool among the defaults | job=7 | project=9 | runner=abc12defg
68 | info | noted | - | Will be retried in 3s ... | job=7 | project=9 | runner=abc12defg
69 | warning | job-failed | - | Job failed (system failure): prepare environment: exit status 1 | job=7 | project=9 | runner=abc12defg | failure_reason=runner_system_failure
69 | warning | job-ended | - | Job failed: somehow | job=7 | project=9 | runner=abc12defg
70 | warning | not-prepared | docker-registry-rate-limited | Job failed: failed to pull image "a:1" with specified policies [always]: toomanyrequests: You have reached your pull rate limit | job=7 | project=9 | runner=abc12defg
70 | warning | not-prepared | docker-image-pull-failed | Job failed: failed to pull image "a:1" with specified policies [always]: dial tcp: lookup registry: no such host | job=7 | project=9 | runner=abc12defg | failure_reason=image_pull_failure
70 | warning | job-failed | - | Job failed: dial | job=7 | project=9 | runner=abc12defg | failure_reason=runner_external_dependency_failure
71 | warning | job-ended | - | Job failed: exit code 1 | job=7 | project=9 | runner=abc12defg | failure_reason=script_failure
72 | warning | job-ended | - | Job failed: execution took longer than 1h0m0s seconds | job=7 | project=9 | runner=abc12defg
73 | warning | job-ended | - | Job failed: canceled | job=7 | project=9 | runner=abc12defg | failure_reason=job_canceled
74 | warning | job-ended | - | Job failed: aborted: terminated | job=7 | project=9 | runner=abc12defg | failure_reason=runner_interrupted
75 | error | job-connection | - | Appending trace to coordinator... error | job=7 | project=9 | runner=abc12defg | error=EOF
76 | warning | job-refused | job-rejected-by-server | Appending trace to coordinator... job failed | job=7 | project=9 | runner=abc12defg | code=403 | status=403 Forbidden
76 | warning | job-refused | job-trace-blocked | Appending trace to coordinator... job failed | job=7 | project=9 | runner=abc12defg | code=403 | correlation_id=0123456789abcdef0123456789abcdef | status=403 Forbidden
76 | warning | job-refused | job-trace-blocked | Appending trace to coordinator... error | job=7 | project=9 | runner=abc12defg | code=413 | status=413 Request Entity Too Large
77 | error | job-refused | job-rejected-by-server | Submitting job to coordinator... forbidden | job=7 | project=9 | runner=abc12defg | code=403 | status=PUT https://H/api/v4/jobs/7: 403 Forbidden
77 | warning | job-refused | job-rejected-by-server | Submitting job to coordinator... not found | job=7 | project=9 | runner=abc12defg | code=404
78 | info | job-reported | - | Submitting job to coordinator...ok | code=200 | job=7 | runner=abc12defg
78 | info | job-reported | - | Appending trace to coordinator...ok | code=202 | job=7 | runner=abc12defg
78 | warning | job-connection | - | Submitting job to coordinator... failed | job=7 | project=9 | runner=abc12defg
79 | error | job-lost | - | Job trace termination "Success" failed | job=7 | project=9 | runner=abc12defg
80 | warning | job-stuck | - | Timed out waiting for the build to finish | job=7 | project=9 | runner=abc12defg
81 | debug | no-capacity | - | no free machines that can process builds
82 | info | crashed | - | panic: runtime error: invalid memory address or nil pointer dereference
83 | info | oom | - | Out of memory: Killed process 812 (gitlab-runner) total-vm:1kB
84 | warning | stopping | runner-shutting-down | Starting graceful shutdown, waiting for builds to finish | builds=2
85 | info | version | - | Runtime platform | arch=amd64 | os=linux | pid=7 | revision=abc | version=19.4.0
86 | info | started | - | Starting multi-runner from /etc/gitlab-runner/config.toml... | builds=0
86 | info | config-loaded | - | Configuration loaded | builds=0
86 | info | noted | - | Running in system-mode.
87 | warning | noted | - | Running in user-mode.
88 | info | stopped | - | All workers stopped. | builds=0
89 | warning | setting | config-setting-ineffective | The runner URL contains a legacy '/ci' suffix
90 | warning | router | - | Job router circuit breaker tripped
91 | error | router | - | Error requesting a job | runner=abc12defg
92 | fatal | fatal | runner-start-failed | Boot-verify canary failed, draining and exiting
93 | error | token | - | Registering runner... forbidden (check registration token) | runner=abc12defg
94 | info | poll-worked | - | Added job to processing list | job=7 | project=9 | runner=abc12defg | builds=1 | max_builds=4
94 | info | poll-worked | - | Checking for jobs... received | job=7 | project=9 | runner=abc12defg
94 | info | noted | - | Removed job from processing list | job=7 | project=9 | runner=abc12defg | builds=0 | max_builds=4
94 | debug | poll-worked | - | Checking for jobs... no content | runner=abc12defg
95 | warning | not-prepared | docker-not-responding | Preparation failed: getting docker info: dial unix /var/run/docker.sock: connect: resource temporarily unavailable | job=7 | runner=abc12defg
96 | error | not-prepared | pids-limit-reached | Job failed (system failure): prepare environment: failed to start process: fork/exec /usr/bin/su: resource temporarily unavailable. | failure_reason=runner_system_failure | job=7 | runner=abc12defg
96 | info | crashed | pids-limit-reached | fatal error: newosproc
97 | error | not-prepared | memory-pressure | Job failed (system failure): prepare environment: failed to start process: fork/exec /usr/bin/su: cannot allocate memory | job=7 | runner=abc12defg
98 | error | not-prepared | disk-read-only | Job failed (system failure): mkdir /builds/x: read-only file system | job=7 | runner=abc12defg
98 | warning | job-connection | disk-read-only | Appending trace to coordinator... error | error=write /tmp/trace1: read-only file system | job=7 | runner=abc12defg
99 | error | not-prepared | docker-runtime-failed | Job failed (system failure): Error response from daemon: failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: unable to apply cgroup configuration: failed to write 42: write /sys/fs/cgroup/pids/docker/a/cgroup.procs: no such process | job=7 | runner=abc12defg
99 | error | not-prepared | docker-runtime-failed | Job failed (system failure): Error response from daemon: mkdir /sys/fs/cgroup/docker/a: no space left on device | job=7 | runner=abc12defg
100 | error | not-prepared | kubernetes-forbidden | Job failed (system failure): prepare environment: setting up credentials: secrets is forbidden: User "system:serviceaccount:ci:default" cannot create resource "secrets" in API group "" in the namespace "ci" | job=7 | runner=abc12defg
100 | error | not-prepared | kubernetes-forbidden | Job failed (system failure): prepare environment: setting up build pod: pods "runner-abc12defg-project-1-concurrent-0" is forbidden: exceeded quota: jobs, requested: cpu=2, used: cpu=8, limited: cpu=8 | job=7 | runner=abc12defg
101 | error | not-prepared | runner-program-missing | Job failed (system failure): prepare environment: failed to start process: exec: "su": executable file not found in $PATH | job=7 | runner=abc12defg
101 | error | not-prepared | runner-program-missing | Machine creation failed | error=exec: "docker-machine": executable file not found in $PATH | name=runner-abc12defg-auto-1
102 | warning | not-prepared | docker-registry-unreachable | Job failed: failed to pull image "alpine:3" with specified policies [always]: Error response from daemon: Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io on 127.0.0.53:53: no such host | failure_reason=image_pull_failure | job=7 | runner=abc12defg
103 | error | not-prepared | runner-permission-denied | Job failed (system failure): mkdir /srv/builds/x: permission denied | job=7 | runner=abc12defg
104 | error | not-prepared | kubernetes-pod-pending | Job failed (system failure): prepare environment: waiting for pod running: timed out waiting for pod to start (last phase: Pending). Check https://docs.gitlab.com/runner/shells/#shell-profile-loading for more information | job=7 | runner=abc12defg
71 | warning | job-ended | - | Job failed: Error response from daemon: OCI runtime exec failed: exec failed: unable to start container process: exec: "sh": executable file not found in $PATH | job=7 | runner=abc12defg
`;

export const KNOWN_LINES: readonly KnownLine[] = TABLE.trim()
  .split('\n')
  .map((row) => {
    const [n = '', level = '', kind = '', cause = '', message = '', ...fields] = row.split(' | ');
    const pairs = fields.map((field): [string, string] => {
      const equals = field.indexOf('=');
      return [field.slice(0, equals), field.slice(equals + 1).replace(/^~ /, HEAD)];
    });
    return {
      n: Number(n),
      entry: { level: level as LogEntry['level'], message, fields: Object.fromEntries(pairs) },
      kind,
      cause: cause === '-' ? undefined : cause,
    };
  });
