/**
 * What `.ci/run` calls: the tests, then the fault lab. The last lines say again what failed, and the very
 * last is the sum of both, `N passed, N failed`.
 * Plain JavaScript that runs on Node 20, since each of the two brings the project's own Node.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

const COMMANDS = [
  ['test', '--silent'],
  ['run', '--silent', 'lab'],
];
/** What has failed, and the lines below it that say why. */
const FAILED = /^FAILED /;
const MORE = /^ {7}/;
const SUM = /^(?<passed>\d+) passed, (?<failed>\d+) failed$/;

/** @type {string[]} */
const failures = [];

/** @param {readonly string[]} words */
async function tallyOf(words) {
  const child = spawn('npm', words, { stdio: ['ignore', 'pipe', 'inherit'] });
  let unfinished = '';
  let last = '';
  let isFailure = false;
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (/** @type {string} */ text) => {
    process.stdout.write(text);
    const lines = `${unfinished}${text}`.split('\n');
    unfinished = lines.pop() ?? '';
    for (const line of lines) {
      isFailure = FAILED.test(line) || (isFailure && MORE.test(line));
      if (isFailure) failures.push(line);
    }
    last = lines.findLast((line) => line !== '') ?? last;
  });
  const [code] = await once(child, 'close');
  const groups = SUM.exec(last)?.groups;
  const passed = Number(groups?.['passed'] ?? 0);
  const failed = Number(groups?.['failed'] ?? 0);
  // It failed without a count.
  return { passed, failed: code !== 0 && failed === 0 ? 1 : failed };
}

let passed = 0;
let failed = 0;
for (const words of COMMANDS) {
  const tally = await tallyOf(words);
  passed += tally.passed;
  failed += tally.failed;
}
process.stdout.write([...failures, `${passed} passed, ${failed} failed\n`].join('\n'));
process.exitCode = failed === 0 ? 0 : 1;
