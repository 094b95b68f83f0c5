/**
 * What a person types about a runner in a pod: kubectl, and helm for what the official chart sets. Nothing in the pod can
 * be edited for good, and its node is not asked.
 */
import { basename } from 'node:path';

import type { FixStep } from '../../core/diagnosis.ts';
import { step } from '../../core/diagnosis.ts';
import { isBelow } from '../../core/paths.ts';
import type { Limit, LivenessProbe, PlaceCommands, RunnerFiles } from '../../core/place.ts';
import type { Pod } from '../../core/pod.ts';
import { quoteArgument } from '../../core/shell.ts';
import { raisedLimitText } from './raised-limit.ts';

/** Name of a replica set and of its pod, behind the name of the deployment. */
const OF_DEPLOYMENT = /^(?<deployment>.+)-[a-z0-9]{6,10}-[a-z0-9]{5}$/;
/** Programs of the official image that take no right of root. */
const THERE = /^(?:curl|openssl|getent|cat|date) /;
const FITS = /^(?:kubectl|helm) /;
const RELEASE = String.raw`{.metadata.annotations.meta\.helm\.sh/release-name}`;

/** Where what is set of a pod stands, by what made it. */
interface Words {
  readonly where: string;
  readonly variables: string;
  readonly version: string;
  readonly config: string;
  readonly configMaker: string;
  readonly certificates: string;
}

const OF_CHART: Words = {
  where: 'In a pod it is set in values.yaml of the chart, and helm upgrade brings it there',
  variables: 'envVars',
  version: 'image.tag, or a newer version of the chart',
  config: 'runners.config; url, token and globals have keys of their own',
  configMaker: 'its entrypoint',
  certificates: 'name it in certsSecretName of values.yaml',
};
const OF_MANIFEST: Words = {
  where: 'In a pod it is set in the manifest of its workload, and kubectl apply brings it there',
  variables: 'env of its container',
  version: 'the image of its container',
  config: 'the secret or ConfigMap that holds config.toml; then start the pod anew',
  configMaker: 'what its manifest mounts there',
  certificates: 'mount it there by the manifest of its workload',
};

/** What made the pod: the same for each of its replacements. */
function controllerOf({ name }: Pod): string {
  return OF_DEPLOYMENT.exec(name)?.groups?.['deployment'] ?? name;
}

/** Of the place: a label that a new pod keeps. */
export function podId(pod: Pod): string {
  return `pod:${controllerOf(pod)}`;
}

export function podCommands(pod: Pod): PlaceCommands {
  const { client, exec, isDeployed, workload, values, words } = wordsOf(pod);
  const again = isDeployed
    ? `${client} rollout restart ${workload}`
    : `${exec} pkill -QUIT gitlab-runner`;
  const inValues = (text: string, what: string): FixStep =>
    step(`${text} ${words.where}: ${what}.`, values);
  return {
    start: isDeployed ? `${client} scale ${workload} --replicas=1` : `${client} get ${workload}`,
    stop: isDeployed ? `${client} scale ${workload} --replicas=0` : `${client} delete ${workload}`,
    restart: again,
    reload: `${exec} pkill -HUP gitlab-runner`,
    processId: '"$(pgrep -o gitlab-runner)"',
    runner: (words) => `${exec} gitlab-runner ${words}`,
    showLog: (text, lines = 50) =>
      step(text, `${client} logs ${quoteArgument(pod.name)} --tail=${lines}`),
    setEnvironment: (text, variables) => [
      inValues(text, `${words.variables} with ${listOf(variables)}`),
    ],
    enterEnvironment: (text, names) => [
      inValues(text, `${words.variables} with a new value of ${names.join(', ')}`),
    ],
    upgrade: (text) => inValues(text, words.version),
    useConfig: (text) => [step(`${text} In a pod config.toml is made by ${words.configMaker}.`)],
    showLimit: (text) =>
      step(
        text,
        `${client} get pod ${quoteArgument(pod.name)} -o jsonpath='{.spec.containers[*].resources}'`,
      ),
    raiseLimit: (text, limit, present) => [raised(text, limit, present, inValues)],
  };
}

/** The chart cannot leave it out, but wait for longer. */
export function livenessProbeOf(pod: Pod): LivenessProbe | undefined {
  if (pod.livenessProbe === undefined) return undefined;
  const { values, words } = wordsOf(pod);
  const text = 'Let the liveness probe outlast an outage, so that the next one ends no jobs.';
  const value = 'livenessProbe with periodSeconds: 60 and failureThreshold: 60, which is an hour';
  return {
    isSeen: pod.livenessProbe === 'asks-gitlab',
    fix: step(`${text} ${words.where}: ${value}.`, values),
  };
}

function wordsOf(pod: Pod) {
  const { name, namespace } = pod;
  const inNamespace = namespace === undefined ? '' : ` -n ${quoteArgument(namespace)}`;
  const client = `kubectl${inNamespace}`;
  const controller = controllerOf(pod);
  const isDeployed = controller !== name;
  const workload = quoteArgument(isDeployed ? `deployment/${controller}` : `pod/${name}`);
  const release = `"$(${client} get ${workload} -o jsonpath='${RELEASE}')"`;
  return {
    client,
    workload,
    isDeployed,
    exec: `${client} exec ${quoteArgument(name)} --`,
    words: pod.isOfChart ? OF_CHART : OF_MANIFEST,
    /** Shows what is set now. */
    values:
      pod.isOfChart && isDeployed
        ? `helm${inNamespace} get values ${release}`
        : `${client} get ${workload} -o yaml`,
  };
}

function listOf(variables: Readonly<Record<string, string>>): string {
  return Object.entries(variables)
    .map(([name, value]) => `name: ${name}, value: ${JSON.stringify(value)}`)
    .join('; ');
}

/** Files and tasks are limited by the node. */
function raised(
  text: string,
  limit: Limit,
  present: number | undefined,
  inValues: (text: string, what: string) => FixStep,
): FixStep {
  if (limit === 'files' || limit === 'tasks')
    return step(`${text} The node of the pod limits them.`);
  return inValues(text, `resources.limits.${limit} with ${raisedLimitText(limit, present)}`);
}

/** In the runner's container, which shares its network with every other one of the pod. */
export function inPodNetwork(pod: Pod, command: string): string {
  return THERE.test(command) ? `${wordsOf(pod).exec} sh -c ${quoteArgument(command)}` : command;
}

/** A step of any cause as it is done in a pod: a command of a host is none there. */
export function fitToPod(pod: Pod, files: RunnerFiles, given: FixStep): FixStep {
  const { text, command } = given;
  if (command === undefined || FITS.test(command)) return given;
  const { client, exec, values, words } = wordsOf(pod);
  if (command.startsWith('sudo kill -CONT '))
    return step(text, `${exec} pkill -CONT gitlab-runner`);
  const certificate = certificateIn(command, files);
  if (certificate !== undefined) {
    const secret = quoteArgument(`${controllerOf(pod)}-certs`);
    const made = `${client} create secret generic ${secret} --from-file=${quoteArgument(`${certificate}=root.pem`)} --dry-run=client -o yaml | ${client} apply -f -`;
    return step(
      `${text} In a pod that folder is a secret, ${secret}: ${words.certificates}.`,
      made,
    );
  }
  if (command.includes(files.config))
    return step(`${text} ${words.where} (${words.config}).`, values);
  if (command.includes('/etc/hosts')) return step(`${text} ${words.where}: hostAliases.`, values);
  return step(`${text} This is done on the node of the pod or in the cluster, not in the pod.`);
}

function certificateIn(command: string, { certs }: RunnerFiles): string | undefined {
  const words = command.split(/\s+/).filter((word) => word.endsWith('.crt'));
  const path = words.find((word) => isBelow(word, certs));
  return path === undefined ? undefined : basename(path);
}
