/**
 * What `.ci/run` calls: the tests, then the fault lab. The last line is the sum of both, `N passed, N failed`.
 * Plain JavaScript that runs on Node 20, since each of the two brings the project's own Node.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

const COMMANDS = [
  ['test', '--silent'],
  ['run', '--silent', 'lab'],
];
const SUM = /^(?<passed>\d+) passed, (?<failed>\d+) failed$/;

/** @param {readonly string[]} words */
async function tallyOf(words) {
  const child = spawn('npm', words, { stdio: ['ignore', 'pipe', 'inherit'] });
  let unfinished = '';
  let last = '';
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (/** @type {string} */ text) => {
    process.stdout.write(text);
    const lines = `${unfinished}${text}`.split('\n');
    unfinished = lines.pop() ?? '';
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
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
