/** What is printed about a runner in a pod can be typed by who has kubectl and helm, and names what the chart sets. */
import { expect, test } from 'vitest';

import { catalogue } from '../../../src/diagnosis/catalogue/index.ts';
import {
  fitToPod,
  inPodNetwork,
  podCommands,
  podId,
} from '../../../src/host/place/pod-commands.ts';
import { placeUnseen } from '../../../src/host/place/in-pod.ts';
import { PACKAGED_PLACE } from '../../../src/host/place/packaged.ts';
import { runnerFiles } from '../../../src/host/place/runner-files.ts';
import { HOST_PATHS } from '../../../src/core/paths.ts';
import { contextAt } from '../../support/fix-context.ts';

const POD = { name: 'ci-gitlab-runner-7d9f8b6c5d-x2x4z', namespace: 'ci', isOfChart: true };
const PLAIN = { ...POD, isOfChart: false };
const FOLDER = '/home/gitlab-runner/.gitlab-runner';
const FILES = runnerFiles(`${FOLDER}/config.toml`, `${FOLDER}/certs`);
const SERVICES = { host: { hasSystemd: false }, engines: { hasPodmanUnit: false } };
const PLACE = placeUnseen(
  { kind: 'pod', pod: POD },
  { configPath: FILES.config, paths: HOST_PATHS, services: SERVICES },
);

test('a new pod of its deployment is the same place', () => {
  expect(podId(POD)).toBe('pod:ci-gitlab-runner');
  expect(podId({ ...POD, name: 'ci-gitlab-runner-7d9f8b6c5d-abcde' })).toBe(podId(POD));
  expect(podId({ ...POD, name: 'runner-0' })).toBe('pod:runner-0');
});

test('it is restarted by its deployment', () => {
  expect(podCommands(POD).restart).toBe(
    'kubectl -n ci rollout restart deployment/ci-gitlab-runner',
  );
});

test('a pod that nothing makes anew is not deleted by a restart', () => {
  expect(podCommands({ name: 'runner-0', isOfChart: true }).restart).toBe(
    'kubectl exec runner-0 -- pkill -QUIT gitlab-runner',
  );
});

test.each(catalogue.map((spec) => [spec.id, spec] as const))(
  'no command of %s is one of a host',
  (_id, spec) => {
    const fixes = spec.fix(contextAt(PLACE));
    const commands = fixes.flatMap((one) => PLACE.fitted?.(one).command ?? []);
    expect(commands.filter((command) => !/^(?:kubectl|helm) /.test(command))).toEqual([]);
  },
);

/** What only the chart does, and rights that it grants by a key. */
const isOfChart = (id: string): boolean =>
  id === 'runner-not-registered' || id.startsWith('kubernetes-');

test.each(catalogue.flatMap((spec) => (isOfChart(spec.id) ? [] : [[spec.id, spec] as const])))(
  'without the chart no fix of %s is one of helm or of values.yaml',
  (_id, spec) => {
    const place = placeUnseen(
      { kind: 'pod', pod: PLAIN },
      { configPath: FILES.config, paths: HOST_PATHS, services: SERVICES },
    );
    const fixes = spec.fix(contextAt(place)).map((one) => place.fitted?.(one) ?? one);
    const ofChart = fixes.filter(({ command = '', text }) =>
      /helm|values\.yaml|envVars|certsSecretName/.test(`${text} ${command}`),
    );
    expect(ofChart).toEqual([]);
  },
);

test('a plain manifest of a pod is edited and applied', () => {
  const given = { text: 'Correct url.', command: `sudoedit ${FILES.config}` };
  expect(fitToPod(PLAIN, FILES, given)).toEqual({
    text: 'Correct url. In a pod it is set in the manifest of its workload, and kubectl apply brings it there (the secret or ConfigMap that holds config.toml; then start the pod anew).',
    command: 'kubectl -n ci get deployment/ci-gitlab-runner -o yaml',
  });
});

test('a line of /etc/hosts is one of hostAliases', () => {
  const given = { text: 'Remove the line.', command: 'sudo sed -i /gitlab/d /etc/hosts' };
  expect(fitToPod(POD, FILES, given)).toMatchObject({
    text: expect.stringMatching(/values\.yaml.*hostAliases\.$/),
    command: expect.stringMatching(/^helm -n ci get values /),
  });
});

test('an edit of config.toml is one of values.yaml', () => {
  const given = { text: 'Correct url.', command: `sudoedit ${FILES.config}` };
  const { text, command } = fitToPod(POD, FILES, given);
  expect(text).toMatch(/values\.yaml.*helm upgrade/);
  expect(command).toMatch(
    /^helm -n ci get values "\$\(kubectl -n ci get deployment\/ci-gitlab-runner /,
  );
});

test('a stopped process is resumed in its container', () => {
  expect(fitToPod(POD, FILES, { text: 'Resume it.', command: 'sudo kill -CONT 7' }).command).toBe(
    'kubectl -n ci exec ci-gitlab-runner-7d9f8b6c5d-x2x4z -- pkill -CONT gitlab-runner',
  );
});

test('a certificate goes into the secret of the chart', () => {
  const command = `(echo; cat root.pem) | sudo tee -a ${FILES.certs}/gitlab.test.crt >/dev/null`;
  const fitted = fitToPod(POD, FILES, { text: 'Add it.', command });
  expect(fitted.text).toContain('certsSecretName');
  expect(fitted.command).toContain('--from-file=gitlab.test.crt=root.pem');
});

test('a test of the network runs in the pod where its image has the program', () => {
  expect(inPodNetwork(POD, 'curl -v https://gitlab.test/')).toBe(
    "kubectl -n ci exec ci-gitlab-runner-7d9f8b6c5d-x2x4z -- sh -c 'curl -v https://gitlab.test/'",
  );
  expect(
    PLACE.fitted?.({ text: 'Look.', command: inPodNetwork(POD, 'sudo ss -ltn') }).command,
  ).toBeUndefined();
});

test('a plain container beside that of the runner gets no command at all', () => {
  const place = placeUnseen(
    { kind: 'container' },
    { configPath: FILES.config, paths: HOST_PATHS, services: SERVICES },
  );
  expect(place.unseen).toContain('--pid and --network');
  expect(place.fitted?.({ text: 'Do it.', command: 'sudo docker ps' }).command).toBeUndefined();
  expect(place.fitted?.({ text: 'Know it.' })).toEqual({ text: 'Know it.' });
  expect(PACKAGED_PLACE.fitted).toBeUndefined();
});
