/** Whether every place that tells of a cause tells what changed before it. */
import { check } from './daemon.ts';
import type { Report } from '../src/report/document.ts';
import { until } from '../test/support/until.ts';
import type { World } from './world.ts';

interface WantedChange {
  /** In the line that tells of it. */
  readonly told: RegExp;
  /** In the text or the command of the first step; a change that explains nothing is in no step. */
  readonly first?: RegExp;
}

/** A condition of a row: what is missing, or nothing. */
export function tellsChange(cause: string, wanted: WantedChange) {
  return async (world: World): Promise<string | undefined> => {
    const { network, files, daemon } = world;
    await until(async () => (await incidentOf(world, cause)) !== undefined);
    const [text, health, page, metrics, incident, checked, nagios] = await Promise.all([
      daemon.get('/health?format=text'),
      daemon.get('/health'),
      daemon.get('/'),
      daemon.get('/metrics'),
      incidentOf(world, cause),
      check(network, files.path, {}, { remembers: true }),
      check(network, files.path, {}, { remembers: true, format: 'nagios' }),
    ]);
    const reports = {
      'the report': await daemon.report(),
      '/health': JSON.parse(health) as Report,
      'the incident': (JSON.parse(incident ?? '{}') as { readonly report: Report }).report,
      check: JSON.parse(checked.stdout) as Report,
    };
    const texts = {
      'the text': onOneLine(text),
      'the page': page.replaceAll('&quot;', '"'),
      'a metric': metricOf(metrics, cause),
      'the line for Nagios': nagios.stdout,
    };
    const lacks = [
      ...Object.entries(reports).map(([where, report]) => lackOf(report, cause, wanted, where)),
      ...Object.entries(texts).map(([where, told]) =>
        wanted.told.test(told)
          ? undefined
          : `${where} does not tell ${String(wanted.told)}: ${told.slice(0, 600)}`,
      ),
    ];
    return lacks.find((lack) => lack !== undefined);
  };
}

async function incidentOf({ daemon }: World, cause: string): Promise<string | undefined> {
  const { incidents } = JSON.parse(await daemon.get('/api/v1/incidents')) as {
    readonly incidents: readonly { readonly id: string; readonly cause: string }[];
  };
  const id = incidents.find((one) => one.cause === cause)?.id;
  return id === undefined ? undefined : await daemon.get(`/api/v1/incidents/${id}`);
}

/** The text folds its lines. */
function onOneLine(text: string): string {
  return text.replaceAll(/\n\s+/g, ' ');
}

function metricOf(metrics: string, cause: string): string {
  const lines = metrics
    .split('\n')
    .filter((line) => line.startsWith('runnerwatch_root_cause_change_info{'));
  return lines
    .filter((line) => line.includes(`cause="${cause}"`))
    .join('\n')
    .replaceAll(String.raw`\"`, '"')
    .replaceAll(String.raw`\\`, '\\');
}

function lackOf(
  report: Report,
  cause: string,
  { told, first }: WantedChange,
  where: string,
): string | undefined {
  const found = report.causes.find(({ id }) => id === cause);
  const changes = found?.changedBefore ?? [];
  const change = changes.find(({ text }) => told.test(text));
  if (change === undefined)
    return `${where} does not tell ${String(told)}: ${JSON.stringify(changes)}`;
  const [step] = found?.fix ?? [];
  const typed = `${step?.text} ${step?.command ?? ''}`;
  if (first !== undefined) return first.test(typed) ? undefined : `${where} begins with ${typed}`;
  return change.explains ? `${where} takes it for the reason` : undefined;
}
