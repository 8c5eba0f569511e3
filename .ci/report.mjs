/**
 * Ends a CI run: counts tests and lanes, says why a lane failed, and ends with "N passed, N failed".
 *
 *   node .ci/report.mjs RESULTS LANES_PASSED [FAILED_LANE...]
 *
 * RESULTS holds the JSON report of each test lane and the output of each lane in `<lane>.log`, spaces as hyphens. A lane may
 * fail with every test passed: an unhandled error in a test file, a hook after its last test, a process that died. The
 * reports do not say so (an unhandled error even leaves their `success` true); the exit code of the lane and its output do.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";

const [results, lanesPassed, ...failedLanes] = process.argv.slice(2);

/** Characters of all reasons together: where only the end of the output is kept, they are in it. */
const MOST_CHARACTERS = 9000;
const MOST_TELLING = 35;
const LAST_LINES = 25;

let passed = Number(lanesPassed);
let failed = failedLanes.length;
for (const name of ["unit", "quality", "slow", "unit-lts"]) {
  try {
    const report = JSON.parse(readFileSync(join(results, `${name}.json`), "utf8"));
    const { numPassedTests, numFailedTests, numPendingTests } = report;
    console.log(`${name}: ${numPassedTests} passed, ${numFailedTests} failed`);
    passed += numPassedTests;
    failed += numFailedTests + numPendingTests; // a skipped test counts as failed
    if (numPassedTests === 0) failed++;
  } catch (error) {
    console.log(`${name}: no result file (${error.message})`);
    failed++;
  }
}
for (const lane of failedLanes) console.log(`\n== why "${lane}" failed:\n${whyFailed(lane)}`);
if (failedLanes.length > 0) console.log(`\nfailed: ${failedLanes.join("; ")}`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

/** Telling lines of a lane's output with those around them, then its last lines. */
function whyFailed(lane) {
  let lines;
  try {
    const text = readFileSync(join(results, `${lane.replaceAll(" ", "-")}.log`), "utf8");
    lines = stripVTControlCharacters(text).trimEnd().split("\n");
  } catch (error) {
    return `no output kept (${error.message})`;
  }
  const last = Math.max(0, lines.length - LAST_LINES);
  const shown = new Set();
  // Unhandled errors first: they come last in the output, and what comes before may fill the room.
  for (const [pattern, before, after] of [
    [/Unhandled (Error|Rejection|Exception)|Uncaught|exited unexpectedly/, 0, 8],
    [/originated in|latest test/, 0, 0],
    [/\{ seed: /, 1, 2], // of a property: with these its run can be had again
    [/Error:|error TS|\bFAIL|✗|×|not ok/, 1, 8],
  ])
    for (const [at, line] of lines.entries()) {
      if (line.includes("✓") || !pattern.test(line)) continue;
      for (let near = Math.max(0, at - before); near <= Math.min(at + after, last - 1); near++)
        if (shown.size < MOST_TELLING && lines[near].trim() !== "" && !lines[near].includes("✓")) shown.add(near);
    }
  const telling = [...shown].sort((a, b) => a - b).map((at) => lines[at].slice(0, 200));
  const room = MOST_CHARACTERS / failedLanes.length;
  const head = telling.join("\n").slice(0, (room * 2) / 3);
  const end = lines
    .slice(last)
    .map((line) => line.slice(0, 200))
    .join("\n");
  return `${head}\n-- its last lines:\n${end.slice(-(room - head.length))}`;
}
