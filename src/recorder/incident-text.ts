/**
 * One incident as text for a terminal: what happened, what changed just before, the results of the checks, what to
 * type.
 */
import { printable } from '../core/printable.ts';
import type { HostPicture } from '../host/picture.ts';
import { formatDuration } from '../core/duration-text.ts';
import { formatBytes } from '../report/format.ts';
import { wrapText } from '../core/columns.ts';
import type { Incident, IncidentChange, IncidentRun } from './incident.ts';

const MAX_LINES = 20;

export function incidentText(incident: Incident, width: number): string {
  const { id, severity, title, summary, host, version, report, leftOut } = incident;
  const fix = report.causes.find((cause) => cause.id === incident.cause)?.fix ?? [];
  const lines = [
    `${id}  (${severity})`,
    title,
    summary,
    '',
    `host       ${host}, runnerwatch ${version}`,
    `first seen ${incident.startedAt}`,
    `confirmed  ${incident.confirmedAt}`,
    endLine(incident),
    ...section('what changed just before', changeLines(incident.changes)),
    ...section(
      'what to do',
      fix.flatMap(({ text, command }, index) => [
        `${index + 1}. ${text}`,
        ...(command === undefined ? [] : [`   ${command}`]),
      ]),
    ),
    ...section('runs of the checks', runLines(incident.runs)),
    ...surroundLines(incident),
    ...section('left out to limit the file size', leftOut),
  ];
  return lines.flatMap((line) => foldList(printable(line), width)).join('\n');
}

function endLine({ recoveredAt, durationSeconds }: Incident): string {
  if (recoveredAt === undefined) return 'resolved   not yet';
  return `resolved   ${recoveredAt}, after ${formatDuration(durationSeconds ?? 0)}`;
}

function section(heading: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ['', heading, ...lines.map((line) => `  ${line}`)];
}

function changeLines(changes: readonly IncidentChange[]): readonly string[] {
  if (changes.length === 0) return ['no change in what runnerwatch watches, within 24 hours'];
  return changes.flatMap(({ what, before, after, secondsBefore }) => [
    `${what}, ${formatDuration(Math.abs(secondsBefore))} ${secondsBefore >= 0 ? 'before' : 'after'} the first evidence`,
    `  was ${before}`,
    `  is  ${after}`,
  ]);
}

/** Equal results in a row are one line. */
function runLines(runs: Incident['runs']): readonly string[] {
  return Object.entries(runs).flatMap(([check, results]) => [
    check,
    ...streaks(results).slice(-MAX_LINES),
  ]);
}

function streaks(results: readonly IncidentRun[]): readonly string[] {
  const groups: IncidentRun[][] = [];
  for (const result of results) {
    const last = groups.at(-1);
    const isSame = last?.[0]?.status === result.status && last[0].reason === result.reason;
    if (isSame) last.push(result);
    else groups.push([result]);
  }
  return groups.flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const detail = first.detail === undefined ? '' : `: ${first.detail}`;
    return [`  ${first.at.slice(0, 19)}Z  ${group.length} × ${first.status}${detail}`];
  });
}

function surroundLines(incident: Incident): readonly string[] {
  const { resolver, certificates, proxy, routes, processes, runnerLog, timeline } = incident;
  const use = (list: typeof processes.byCpu): readonly string[] =>
    list.map(
      ({ pid, name, coreRatio, residentBytes }) =>
        `${name} (${pid}): ${Math.round(coreRatio * 100)} % of a core, ${formatBytes(residentBytes)}`,
    );
  return [
    ...section(
      'name servers',
      resolver.flatMap(({ answers }) => answers),
    ),
    ...section(
      'certificates',
      certificates.map(({ check, pem }) => {
        const count = pem.split('-----BEGIN CERTIFICATE-----').length - 1;
        return `${check}: ${count} in PEM, see --format json`;
      }),
    ),
    ...section(
      'proxy',
      proxy.map(({ endpoint, decision, source }) => `${endpoint}: ${decision} (${source})`),
    ),
    ...section('routes', routes.slice(0, MAX_LINES)),
    ...section('this host', hardwareLines(incident.hardware)),
    ...section('top processes by CPU', use(processes.byCpu)),
    ...section('top processes by memory', use(processes.byMemory)),
    ...section("last lines of the runner's log", runnerLog.slice(-MAX_LINES)),
    ...section(
      'timeline',
      timeline
        .slice(0, MAX_LINES)
        .map(({ at, kind, text }) => `${at.slice(0, 19)}Z  ${kind}: ${text}`),
    ),
  ];
}

function hardwareLines(hardware: HostPicture): readonly string[] {
  const { system, machine, processor, memory, disks = [], interfaces = [] } = hardware;
  return [
    ...(system === undefined
      ? []
      : [`${system.distribution}, kernel ${system.kernel} (${system.arch})`]),
    ...(machine === undefined ? [] : [machineLine(machine)]),
    ...(processor === undefined ? [] : [`${processor.model}, ${processor.cores} cores`]),
    ...(memory === undefined
      ? []
      : [
          `memory ${formatBytes(memory.totalBytes)}, ${formatBytes(memory.availableBytes)} available`,
        ]),
    ...disks.map(
      ({ name, sizeBytes, technology, mountPoint }) =>
        `disk ${[name, formatBytes(sizeBytes), technology, mountPoint].filter(Boolean).join(' ')}`,
    ),
    ...interfaces.map(
      ({ name, state, address4, address6 }) =>
        `interface ${[name, state, address4, address6].filter(Boolean).join(' ')}`,
    ),
  ];
}

function machineLine({
  manufacturer,
  model,
  isVirtual,
  hypervisor,
}: NonNullable<HostPicture['machine']>): string {
  const kind = isVirtual ? `virtual machine (${hypervisor || 'hypervisor unknown'})` : 'hardware';
  return [kind, manufacturer, model].filter(Boolean).join(' ');
}

/** A long line continues below its own start; a command is never wrapped. */
function foldList(line: string, width: number): readonly string[] {
  if (line.length <= width || /^ +(?:sudo|curl|openssl) /.test(line)) return [line];
  const indent = /^ */.exec(line)?.[0] ?? '';
  return wrapText(line.trimStart(), indent, `${indent}  `, width);
}
