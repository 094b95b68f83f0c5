/** The step that takes a change back, where that can be said; with a command where the old content is known. */
import type { Change, ChangedLine, ChangeKind } from '../../core/change.ts';
import type { FixStep } from '../../core/diagnosis.ts';
import { step } from '../../core/diagnosis.ts';
import type { Place } from '../../core/place.ts';
import { hostArgument } from '../../core/place.ts';
import { editFile, quoteArgument } from '../../core/shell.ts';
import type { ConcernedLines } from './concern.ts';

export interface UndoOptions {
  readonly change: Change;
  readonly lines: ConcernedLines;
  readonly place: Place;
  /** `2 s before the fault began`. */
  readonly when: string;
}

/** Empty for what cannot be taken back from here. */
export function undoSteps(options: UndoOptions): readonly FixStep[] {
  const { kind, isCut } = options.change;
  if (isCut === true && BY_LINES.has(kind)) return [undoByHand(options)];
  return UNDO[options.change.kind]?.(options) ?? [];
}

function pathOf({ change: { path, what }, place }: UndoOptions): string {
  return hostArgument(place, path ?? what);
}

function quoteLines(lines: readonly ChangedLine[]): string {
  return lines.map(({ text }) => text.trim()).join('", "');
}

/** What is taken back line by line, for which every line must be known. */
const BY_LINES: ReadonlySet<ChangeKind> = new Set([
  'hosts-file',
  'name-services',
  'config',
  'config-url',
  'config-token',
  'config-trust',
  'config-executor',
  'routes',
]);

function undoByHand(options: UndoOptions): FixStep {
  const { change, when } = options;
  if (change.kind === 'routes') {
    return step(
      `Set the routes back where the network is configured: too many of them changed ${when} to be listed here.`,
    );
  }
  return step(
    `Take the last edit of ${change.path ?? change.what} back, from a backup or by hand: too many lines changed ${when} to be listed here.`,
    `sudoedit ${pathOf(options)}`,
  );
}

/** Lines as they were: changed back in place, removed, or written again at the end. */
function undoLines(options: UndoOptions): readonly FixStep[] {
  const { change, lines, when } = options;
  const { removed, added } = lines;
  const file = change.path ?? change.what;
  if (removed.length === 0 && added.length === 0) return [];
  if (removed.length === added.length) {
    const edits = removed.map((line, index) => replaceEdit(added[index] ?? line, line));
    const text = `Change "${quoteLines(added)}" in ${file} back to "${quoteLines(removed)}": it was changed ${when}.`;
    return [step(text, sed(edits, pathOf(options)))];
  }
  const parts = [
    added.length === 0 ? [] : [`remove "${quoteLines(added)}", added ${when}`],
    removed.length === 0 ? [] : [`restore "${quoteLines(removed)}", removed ${when}`],
  ].flat();
  const commands = [
    added.length === 0
      ? []
      : [
          sed(
            added.map((line) => deleteEdit(line)),
            pathOf(options),
          ),
        ],
    removed.length === 0 ? [] : [appendLines(removed, pathOf(options))],
  ].flat();
  return [step(sentenceOf(`In ${file} ${parts.join('; ')}`), commands.join(' && '))];
}

function sentenceOf(text: string): string {
  return `${text}.`;
}

function sed(edits: readonly string[], path: string): string {
  return editFile(path, edits);
}

function replaceEdit(from: ChangedLine, to: ChangedLine): string {
  return `s/^${pattern(from)}$/${replacement(to)}/`;
}

function deleteEdit(line: ChangedLine): string {
  return `/^${pattern(line)}$/d`;
}

function pattern({ text }: ChangedLine): string {
  return String.raw`${text.trimEnd().replaceAll(/[\\.*[\]^$/]/g, String.raw`\$&`)}[[:space:]]*`;
}

function replacement({ text }: ChangedLine): string {
  return text.trimEnd().replaceAll(/[\\&/]/g, String.raw`\$&`);
}

/** The last line of the file may have no end. */
function appendLines(lines: readonly ChangedLine[], path: string): string {
  const words = lines.map(({ text }) => quoteArgument(text.trimEnd()));
  return String.raw`printf '\n%s\n' ${words.join(' ')} | sudo tee -a ${path} >/dev/null`;
}

/** The order of its lines counts, so that it is written as a whole; what a program writes is set there. */
function undoResolver(options: UndoOptions): readonly FixStep[] {
  const { change, when, place } = options;
  const { linkBefore, linkAfter, linesBefore = [] } = change;
  if (linkBefore !== undefined && linkBefore !== linkAfter) {
    return [
      step(
        `Restore the link /etc/resolv.conf -> ${linkBefore}, which was replaced ${when}.`,
        `sudo ln -sfn ${quoteArgument(linkBefore)} ${pathOf(options)}`,
      ),
    ];
  }
  if (linesBefore.length === 0) return [];
  const settings = linesBefore.map((line) => line.trim()).join('; ');
  const was = `It had "${settings}" until ${when}.`;
  if (linkAfter !== undefined) {
    return [
      step(
        `${was} The program behind ${linkAfter} writes it: set the name servers back where the network is configured (netplan, NetworkManager, systemd-resolved).`,
      ),
    ];
  }
  return [place.host.writeResolver(`Restore the lines of /etc/resolv.conf. ${was}`, linesBefore)];
}

function undoConfig(options: UndoOptions): readonly FixStep[] {
  const { change, lines, when, place } = options;
  const { removed, added } = lines;
  const all = [...removed, ...added];
  const isPlain = all.every(({ isHidden, isRepeated }) => isHidden !== true && isRepeated !== true);
  if (isPlain && removed.length > 0 && removed.length === added.length) return undoLines(options);
  const path = change.path ?? place.files.config;
  const names = [...new Set(all.map(({ text }) => (text.split('=')[0] ?? '').trim()))];
  const which = names.length === 0 ? 'It' : names.join(', ');
  return [
    step(
      `Take the last edit of ${path} back, from a backup or by hand: ${which} changed ${when}.`,
      `sudoedit ${pathOf(options)}`,
    ),
  ];
}

function undoCertificates(options: UndoOptions): readonly FixStep[] {
  const { change, lines, when } = options;
  const file = change.path ?? change.what;
  const had = lines.removed.length === 0 ? '' : ` It had ${quoteLines(lines.removed)}`;
  const has = lines.added.length === 0 ? '' : `, and has ${quoteLines(lines.added)} now`;
  const tale = had === '' ? '' : `${had}${has}.`;
  if (change.before === 'absent') {
    return [
      step(
        `Remove ${file}, created ${when}, if it is wrong.`,
        `sudo mv ${pathOf(options)} ${pathOf(options)}.wrong`,
      ),
    ];
  }
  if (change.after === 'absent') {
    return [step(`Put ${file} back from a backup: it was removed ${when}.${tale}`)];
  }
  return [
    step(
      `Put the earlier content of ${file} back: it was replaced ${when}.${tale}`,
      `sudo openssl x509 -noout -subject -issuer -enddate -in ${pathOf(options)}`,
    ),
  ];
}

/** The tool that writes the bundle, by where the bundle lies. */
function rebuildBundle(options: UndoOptions): readonly FixStep[] {
  const { change, place, when } = options;
  const file = change.path ?? change.what;
  const isOnHost = place.hostPath(file) === file;
  const tool = file.startsWith('/etc/pki/') ? 'update-ca-trust' : 'update-ca-certificates';
  const isBuilt = file.startsWith('/etc/pki/') || file.startsWith('/etc/ssl/certs/');
  const how = change.after === 'absent' ? 'removed' : 'changed';
  if (!isOnHost || !isBuilt)
    return [step(`Put ${file} back from a backup: it was ${how} ${when}.`)];
  return [step(`Build ${file} again: it was ${how} ${when}.`, `sudo ${tool}`)];
}

function undoEnvironment({ lines, place, when }: UndoOptions): readonly FixStep[] {
  const { removed, added } = lines;
  const all = [...removed, ...added];
  if (all.length === 0) return [];
  const names = [...new Set(all.map(({ text }) => nameOf(text)))];
  const text = `Set ${names.join(', ')} of the runner back: changed by its restart ${when}.`;
  if (removed.some(({ isHidden }) => isHidden === true)) {
    return place.commands.enterEnvironment(text, names);
  }
  const before = Object.fromEntries(removed.map((line) => [nameOf(line.text), valueOf(line.text)]));
  // An empty variable is none to Go.
  const values = Object.fromEntries(names.map((name) => [name, before[name] ?? '']));
  return place.commands.setEnvironment(text, values);
}

function nameOf(assignment: string): string {
  return assignment.slice(0, assignment.indexOf('='));
}

function valueOf(assignment: string): string {
  return assignment.slice(assignment.indexOf('=') + 1);
}

function undoRoutes({ lines, place, when }: UndoOptions): readonly FixStep[] {
  const { removed, added } = lines;
  const deleted = added.map(({ text }) => `sudo ip route del ${routeArguments(text)}`);
  const restored = removed.map(({ text }) => `sudo ip route replace ${routeArguments(text)}`);
  const parts = [
    added.length === 0 ? [] : [`Remove the route "${quoteLines(added)}", added ${when}.`],
    removed.length === 0 ? [] : [`Restore the route "${quoteLines(removed)}", removed ${when}.`],
  ].flat();
  return [step(parts.join(' '), place.inNetwork([...deleted, ...restored].join(' && ')))];
}

function routeArguments(line: string): string {
  return line
    .split(' ')
    .map((word) => quoteArgument(word))
    .join(' ');
}

function undoUnit({ lines, place, when }: UndoOptions): readonly FixStep[] {
  const paths = [...new Set([...lines.removed, ...lines.added].map(({ text }) => text))];
  if (place.unit === undefined || paths.length === 0) return [];
  return [
    step(
      `Compare the unit with how it was: ${paths.join(', ')} changed ${when}.`,
      `systemctl cat ${quoteArgument(place.unit)}`,
    ),
  ];
}

function undoEngineSettings({ change, place, when }: UndoOptions): readonly FixStep[] {
  const { settings, editSettings, restart } = place.engineAt();
  if (change.path !== settings || editSettings === undefined) return [];
  const then = restart === undefined ? '' : ` && ${restart}`;
  return [
    step(
      `Take the last edit of ${settings} back: it was changed ${when}.`,
      `${editSettings}${then}`,
    ),
  ];
}

const UNDO: Readonly<Partial<Record<ChangeKind, (options: UndoOptions) => readonly FixStep[]>>> = {
  'hosts-file': undoLines,
  'name-services': undoLines,
  resolver: undoResolver,
  config: undoConfig,
  'ca-file': undoCertificates,
  'client-certificate': undoCertificates,
  'system-certificates': rebuildBundle,
  'proxy-environment': undoEnvironment,
  routes: undoRoutes,
  unit: undoUnit,
  'engine-settings': undoEngineSettings,
};
