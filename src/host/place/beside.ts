/**
 * A runner in a container whose processes runnerwatch shares from a container of its own: the numbers of its processes are
 * those in there, and mean other processes on the host, where a person types.
 */
import type { FixStep } from '../../core/diagnosis.ts';
import { step } from '../../core/diagnosis.ts';
import type { Place } from '../../core/place.ts';

/** Of several processes only their numbers tell which one is meant. */
const OF_NUMBERED = /^(?:ps -o pid|sudo kill -(?!CONT ))/;

/** `processId`: what a shell on the host finds the first process of its container by; `seenRoot`: its root, as we see it. */
export function partsBeside(
  processId: string,
  seenRoot: string,
): Pick<Place, 'rootOnHost' | 'fitted'> {
  const rootOnHost = `/proc/${processId}/root`;
  return {
    rootOnHost,
    fitted: (given) => withRoot(fitNumbers(processId, given), seenRoot, rootOnHost),
  };
}

/** The first process of a container passes a signal on, or is the runner itself. */
function fitNumbers(processId: string, given: FixStep): FixStep {
  const { text, command = '' } = given;
  if (command.startsWith('sudo kill -CONT ')) return step(text, `sudo kill -CONT ${processId}`);
  return OF_NUMBERED.test(command)
    ? step(`${text} The numbers are those in its container.`)
    : given;
}

/** Between single quotes a shell would not look for the process. */
function withRoot(given: FixStep, seenRoot: string, rootOnHost: string): FixStep {
  const { text, command } = given;
  if (command?.includes(seenRoot) !== true) return given;
  const isQuoted = command.replaceAll(rootOnHost, '').includes("'");
  return isQuoted
    ? step(`${text} It is done where the container of the runner is started.`)
    : step(text, command.replaceAll(seenRoot, rootOnHost));
}

/** runnerwatch itself is in a container, which the host may call by any name. */
export function watchedFromContainer(place: Place): Place {
  const { fitted = (given: FixStep) => given } = place;
  return {
    ...place,
    isWatchedFromContainer: true,
    fitted: (given) => withoutOwnProgram(fitted(given)),
  };
}

/** As the program of a command, its unit or its settings; a drop-in that it names after itself is of the runner. */
const OWN_PROGRAM =
  /(?:^|[|;&] *)(?:sudo )?(?:runnerwatch\b(?!\/)|(?:systemctl|journalctl) [^|;&]*\brunnerwatch(?![\w/-]))|\/etc\/runnerwatch\//;

function withoutOwnProgram(given: FixStep): FixStep {
  return OWN_PROGRAM.test(given.command ?? '')
    ? step(`${given.text} It is done in the container of runnerwatch, or where that is started.`)
    : given;
}
