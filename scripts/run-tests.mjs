// Runs test layers one after the other and ends with a table and a line `N passed, M failed`.
// node scripts/run-tests.mjs [layer...]      without a layer: all of them
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { layers, missing, root, testFiles } from "./tests/layers.mjs";

const strict = process.env.CI === "true";
const none = { passed: 0, failed: 0, skipped: 0 };

/** With CI=true what cannot run counts as a failure: a layer that is missing there is a hole, not a convenience. */
async function runLayer(layer) {
  const lacking = missing(layer);
  const files = testFiles(layer);
  if (files.length === 0)
    return { ...none, failed: strict && !layer.optional ? 1 : 0, layer, seconds: 0, note: "no tests" };
  if (lacking.length > 0) {
    const note = `not run: needs ${lacking.join(", ")}`;
    console.log(`layer ${layer.name}: ${note}`);
    return { ...none, failed: strict ? 1 : 0, layer, seconds: 0, note };
  }
  console.log(`layer ${layer.name}: ${files.length} files`);
  const start = performance.now();
  const outcome = await runFiles(layer, files);
  return { ...settle(outcome), layer, seconds: (performance.now() - start) / 1000, note: noteOf(layer, outcome) };
}

/** A layer whose process fails without a failed test (crash, time limit) is a failure all the same. */
function settle({ counts, code, timedOut }) {
  const broken = timedOut || (code !== 0 && counts.failed === 0) ? 1 : 0;
  const failed = counts.failed + broken + (strict ? counts.skipped : 0);
  return { ...counts, failed };
}

function noteOf(layer, { counts, code, timedOut }) {
  if (timedOut) return `stopped: not done within ${layer.limitMs / 1000} s`;
  if (code !== 0 && counts.failed === 0) return `test runner ended with ${code}`;
  if (counts.skipped > 0) return strict ? `${counts.skipped} skipped, which CI=true counts as failed` : "";
  return "";
}

async function runFiles(layer, files) {
  const dir = mkdtempSync(path.join(tmpdir(), "holdfast-tests-"));
  const results = path.join(dir, "results.json");
  const reporter = path.join(root, "scripts/tests/reporter.mjs");
  const options = [`--test-concurrency=${layer.concurrency}`, `--test-reporter=${reporter}`];
  const child = spawn(process.execPath, ["--enable-source-maps", "--test", ...options, ...files], {
    cwd: root,
    env: { ...process.env, HOLDFAST_TEST_RESULTS: results },
    stdio: ["ignore", "inherit", "inherit"],
    detached: true, // a process group of its own, so that the time limit ends all of it
  });
  const ended = await bounded(child, layer.limitMs);
  const counts = existsSync(results) ? JSON.parse(readFileSync(results, "utf8")) : none;
  rmSync(dir, { recursive: true });
  return { ...ended, counts };
}

/** SIGTERM lets tests clean up what they made; SIGKILL follows after 20 s. */
function bounded(child, limitMs) {
  const group = (signal) => () => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid, signal);
  };
  let timedOut = false;
  const limit = setTimeout(() => {
    timedOut = true;
    group("SIGTERM")();
  }, limitMs);
  const kill = setTimeout(group("SIGKILL"), limitMs + 20_000);
  const interrupt = group("SIGTERM");
  process.on("SIGINT", interrupt).on("SIGTERM", interrupt);
  return new Promise((resolve) => {
    child.on("exit", (code, signal) => {
      for (const timer of [limit, kill]) clearTimeout(timer);
      process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
      resolve({ code: code ?? signal, timedOut });
    });
  });
}

function table(results) {
  const rows = results.map(({ layer, passed, failed, skipped, seconds, note }) =>
    [layer.name, String(passed), String(failed), String(skipped), `${seconds.toFixed(1)} s`, note].map((cell, i) =>
      i === 0 ? cell.padEnd(10) : i === 5 ? `  ${cell}` : cell.padStart(9),
    ),
  );
  const head = ["layer".padEnd(10), ...["passed", "failed", "skipped", "time"].map((title) => title.padStart(9))];
  return [head, ...rows].map((row) => row.join("").trimEnd()).join("\n");
}

const names = process.argv.slice(2);
const unknown = names.filter((name) => !layers.some((layer) => layer.name === name));
if (unknown.length > 0) {
  console.error(`unknown layer ${unknown.join(", ")}; there are: ${layers.map((layer) => layer.name).join(" ")}`);
  process.exit(2);
}

const results = [];
for (const layer of layers) {
  if (names.length === 0 || names.includes(layer.name)) results.push(await runLayer(layer));
}
const total = (key) => results.reduce((sum, result) => sum + result[key], 0);
console.log(`\n${table(results)}\n\n${total("passed")} passed, ${total("failed")} failed`);
process.exitCode = total("failed") === 0 ? 0 : 1;
