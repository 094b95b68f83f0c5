/**
 * deploy/kubernetes: what is started there is what this program takes, may no more than it needs, and finds what it asks
 * for in its pod; docs/containers.md names these files.
 */
import { execFile } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

import { parseCommandLine } from '../../src/cli/command-line.ts';
import { ALL_PROBES } from '../../src/cli/all-probes.ts';
import { COMMON_REASONS } from '../../src/core/finding.ts';
import { codeBlocks } from '../support/markdown.ts';
import { startCounterServer } from '../support/runner-counters.ts';

const ROOT = join(import.meta.dirname, '../..');
const FOLDER = join(ROOT, 'deploy/kubernetes');
const PAGE = readFileSync(join(ROOT, 'docs/containers.md'), 'utf8');
const ROUTES = readFileSync(join(ROOT, 'docs/http.md'), 'utf8');

interface Named {
  readonly name: string;
}
interface Mount extends Named {
  readonly mountPath: string;
  readonly readOnly?: boolean;
}
interface HttpProbe {
  readonly httpGet?: { readonly path: string; readonly port: string };
  readonly exec?: { readonly command: readonly string[] };
}
interface Container extends Named {
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly ports: readonly (Named & { readonly containerPort: number })[];
  readonly livenessProbe: HttpProbe;
  readonly readinessProbe: HttpProbe;
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly resources: { readonly limits: { readonly memory: string } };
  readonly volumeMounts: readonly Mount[];
}
interface PodSpec {
  readonly shareProcessNamespace: boolean;
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly containers: readonly Container[];
  readonly volumes: readonly Named[];
}
interface Values {
  readonly metrics: { readonly enabled: boolean };
  readonly extraContainers: readonly Container[];
  readonly volumes: readonly Named[];
}
interface Deployment {
  readonly spec: { readonly template: { readonly metadata: Labelled; readonly spec: PodSpec } };
}
interface Labelled {
  readonly labels: Readonly<Record<string, string>>;
}
interface Selected {
  readonly matchLabels: Readonly<Record<string, string>>;
}
interface Monitor {
  readonly spec: {
    readonly selector: Selected;
    readonly podMetricsEndpoints: readonly { readonly port: string; readonly path: string }[];
  };
}
interface Policy {
  readonly spec: {
    readonly podSelector: Selected;
    readonly ingress: readonly { readonly ports: readonly { readonly port: number }[] }[];
  };
}

function read(name: string): unknown {
  return parse(readFileSync(join(FOLDER, name), 'utf8'));
}

const VALUES = read('values.yaml') as Values;
const { template: POD } = (read('deployment.yaml') as Deployment).spec;
/** Of the chart; `kubectl get deployment` of a release shows it. */
const VOLUMES_OF_CHART = ['etc-gitlab-runner'];
const PORT = 19_252;

const FORMS: readonly (readonly [
  file: string,
  containers: readonly Container[],
  volumes: readonly string[],
])[] = [
  [
    'values.yaml',
    VALUES.extraContainers,
    [...VALUES.volumes.map(({ name }) => name), ...VOLUMES_OF_CHART],
  ],
  ['deployment.yaml', POD.spec.containers, POD.spec.volumes.map(({ name }) => name)],
];

describe.each(FORMS)('%s', (_file, containers, volumes) => {
  const own = containers.find(({ name }) => name === 'runnerwatch');
  if (own === undefined) throw new Error('there is no container runnerwatch');

  test('starts the program with flags that it has', () => {
    expect(own.command).toEqual(['/opt/runnerwatch/deploy/runnerwatch']);
    const parsed = parseCommandLine(own.args);
    expect(parsed).toMatchObject({ invocation: { command: 'serve' } });
  });

  test('may nothing, as any user but root, and writes no root', () => {
    expect(own.securityContext).toMatchObject({
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      privileged: false,
      readOnlyRootFilesystem: true,
    });
    expect(own.securityContext).not.toHaveProperty('runAsUser');
  });

  test('has the folders that its flags name, and only reads that of the runner', () => {
    const mounts = new Map(own.volumeMounts.map((mount) => [mount.mountPath, mount]));
    expect(own.args).toContain('--runner.config=/home/gitlab-runner/.gitlab-runner/config.toml');
    expect(own.args).toContain('--state.directory=/var/lib/runnerwatch');
    expect(mounts.get('/home/gitlab-runner/.gitlab-runner')?.readOnly).toBe(true);
    expect(mounts.get('/var/lib/runnerwatch')?.readOnly).toBeUndefined();
    expect(own.volumeMounts.filter(({ name }) => !volumes.includes(name))).toEqual([]);
  });

  test('listens where it is probed, at routes that do not depend on GitLab', () => {
    expect(own.args).toContain(`--web.listen-address=0.0.0.0:${PORT}`);
    expect(own.ports).toEqual([{ name: 'runnerwatch', containerPort: PORT }]);
    const probes = [own.livenessProbe, own.readinessProbe].map(({ httpGet }) => httpGet);
    expect(probes).toEqual([
      { path: '/-/healthy', port: 'runnerwatch' },
      { path: '/-/ready', port: 'runnerwatch' },
    ]);
    for (const probe of probes) expect(ROUTES).toContain(`GET ${probe?.path}`);
  });

  test('has the memory that is promised', () => {
    expect(own.resources.limits.memory).toBe('256Mi');
  });
});

test('with the chart the runner serves metrics, since its process is not visible', () => {
  expect(VALUES.metrics.enabled).toBe(true);
});

test('without the chart the processes are shared, as one user', () => {
  expect(POD.spec.shareProcessNamespace).toBe(true);
  expect(POD.spec.securityContext).toMatchObject({ runAsUser: 999, runAsNonRoot: true });
});

test.each([
  ['ends a runner that a restart would help', 503, false],
  ['leaves one alone that it would not', 200, true],
  ['leaves one alone while runnerwatch does not know the route', 404, true],
])('its liveness probe %s', async (_title, status, isAlive) => {
  await using server = await startCounterServer((response) => response.writeHead(status).end());
  expect(await isAliveBy(server.port)).toBe(isAlive);
});

test('its liveness probe leaves the runner alone while runnerwatch does not answer', async () => {
  const server = await startCounterServer((response) => response.end());
  await server[Symbol.asyncDispose]();
  expect(await isAliveBy(server.port)).toBe(true);
});

/** What the command says of an answer at this port, at the path of the stand-in. */
async function isAliveBy(port: number): Promise<boolean> {
  const probed = POD.spec.containers.find(({ name }) => name === 'gitlab-runner');
  const [program = '', ...args] = probed?.livenessProbe.exec?.command ?? [];
  const asked = args.map((text) =>
    text.replace(`http://127.0.0.1:${PORT}/-/runner`, `http://127.0.0.1:${port}/metrics`),
  );
  expect(asked).not.toEqual(args);
  return await promisify(execFile)(program, asked).then(
    () => true,
    () => false,
  );
}

test('monitor and policy select that pod and its port', () => {
  const { labels } = POD.metadata;
  const monitor = (read('podmonitor.yaml') as Monitor).spec;
  const policy = (read('networkpolicy.yaml') as Policy).spec;
  expect([monitor.selector.matchLabels, policy.podSelector.matchLabels]).toEqual([labels, labels]);
  expect(monitor.podMetricsEndpoints).toMatchObject([{ port: 'runnerwatch', path: '/metrics' }]);
  expect(policy.ingress.flatMap(({ ports }) => ports.map(({ port }) => port))).toContain(PORT);
});

test.each(['values.yaml', 'deployment.yaml'])('%s says that there is no image yet', (name) => {
  const text = readFileSync(join(FOLDER, name), 'utf8');
  expect(text).toMatch(/image: registry\.invalid\/runnerwatch:/);
  expect(text).toContain('There is no published image of runnerwatch yet');
});

describe('docs/containers.md', () => {
  test('names every file of the folder, and its commands use them', () => {
    const files = readdirSync(FOLDER).map((name) => `deploy/kubernetes/${name}`);
    expect(files.filter((name) => !PAGE.includes(name))).toEqual([]);
    const used = codeBlocks(PAGE).flatMap(({ lines }) =>
      lines.flatMap((line) => line.match(/deploy\/\S+/g) ?? []),
    );
    expect(used.filter((name) => !files.includes(name))).toEqual([]);
  });

  test('names reasons that there are', () => {
    const reasons = new Set([
      ...Object.keys(COMMON_REASONS),
      ...ALL_PROBES.flatMap((probe) => Object.keys(probe.reasons)),
    ]);
    const named = [...PAGE.matchAll(/\(`(?<reason>[a-z-]+)`\)/g)].map(
      ({ groups }) => groups?.['reason'] ?? '',
    );
    expect(named.length).toBeGreaterThan(3);
    expect(named.filter((reason) => !reasons.has(reason))).toEqual([]);
  });
});
