/** `runnerwatch incident [ID]`: the incidents that the flight recorder has written. Reads files only. */
import { findNearest } from '../core/nearest.ts';
import type { IncidentSummary } from '../core/past.ts';
import { redactArgument } from '../core/redact-argument.ts';
import { IncidentStore, incidentFolder } from '../recorder/incident-store.ts';
import { incidentText } from '../recorder/incident-text.ts';
import type { Incident } from '../recorder/incident.ts';
import { isIncidentId } from '../recorder/incident.ts';
import { incidentLines, incidentList } from '../report/incidents.ts';
import { stateDirectoryToRead } from './create-daemon.ts';
import type { Invocation } from './command-line.ts';
import { textFlag } from './command-line.ts';
import { terminalWidth } from './screen.ts';

const EXIT_OK = 0;
const EXIT_NOT_FOUND = 1;
const EXIT_UNREADABLE = 2;

export async function incident(invocation: Invocation): Promise<number> {
  const directory = await stateDirectoryToRead(invocation);
  if (directory === undefined) return EXIT_UNREADABLE;
  const shelf = new IncidentStore(directory);
  await shelf.load();
  const isJson = textFlag(invocation, 'format') === 'json';
  const [id] = invocation.positionals;
  if (id === undefined) return list(shelf.list(), isJson, directory);
  return show(id, shelf, isJson);
}

function list(incidents: readonly IncidentSummary[], isJson: boolean, directory: string): number {
  const none = `no incidents in ${incidentFolder(directory)}`;
  const text = isJson
    ? JSON.stringify({ incidents: incidentList({ incidents }) }, undefined, 2)
    : incidentLines(incidents, terminalWidth()).join('\n') || none;
  process.stdout.write(`${text}\n`);
  return EXIT_OK;
}

function show(id: string, shelf: IncidentStore, isJson: boolean): number {
  const ids = shelf.list().map((known) => known.id);
  if (!isIncidentId(id) || !ids.includes(id)) {
    const near = findNearest(id, ids);
    const hint =
      near === undefined ? 'run runnerwatch incident for the list' : `did you mean ${near}?`;
    process.stderr.write(`runnerwatch: unknown incident "${redactArgument(id)}"; ${hint}\n`);
    return EXIT_NOT_FOUND;
  }
  const text = shelf.text(id) ?? '';
  const shown = isJson ? text : incidentText(JSON.parse(text) as Incident, terminalWidth());
  process.stdout.write(`${shown}\n`);
  return EXIT_OK;
}
