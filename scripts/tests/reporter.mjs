// A reporter for node --test: failures in full, slow passes and skips in one line, and counts for run-tests.mjs as JSON in
// the file that HOLDFAST_TEST_RESULTS names.
import { writeFileSync } from "node:fs";
import path from "node:path";
import { inspect } from "node:util";

const slowMs = 1000;

export default async function* report(events) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  /** Names of the enclosing tests, by nesting. */
  const names = [];
  for await (const { type, data } of events) {
    if (type === "test:start") names[data.nesting] = data.name;
    if (type === "test:stdout" || type === "test:stderr") yield data.message;
    if (type === "test:diagnostic" && data.nesting > 0) yield `        ${data.message}\n`;
    if (type === "test:diagnostic" && isNote(data)) yield `        ${data.message}\n`;
    if (type !== "test:pass" && type !== "test:fail") continue;
    const title = [...names.slice(0, data.nesting), data.name].join(" > ");
    yield* verdict(type, data, title, counts);
  }
  const results = process.env.HOLDFAST_TEST_RESULTS;
  if (results !== undefined) writeFileSync(results, JSON.stringify(counts));
}

/** node:test ends with diagnostics of its own (`tests 12`, `duration_ms 3.4`), which the summary replaces. */
function isNote({ nesting, message }) {
  return nesting === 0 && !/^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/.test(message);
}

function* verdict(type, data, title, counts) {
  const took = `${(data.details.duration_ms / 1000).toFixed(1)} s`;
  if (data.skip !== undefined || data.todo !== undefined) {
    counts.skipped++;
    yield `  skipped  ${title}: ${data.skip || data.todo || "no reason given"}\n`;
  } else if (type === "test:fail") {
    // A suite fails because of a test in it, which has been counted and shown, or because of its hooks.
    if (data.details.type === "suite" && data.details.error?.failureType === "subtestsFailed") return;
    counts.failed++;
    const where = data.file === undefined ? "" : ` (${path.relative(process.cwd(), data.file)}:${data.line ?? 1})`;
    yield `  FAILED   ${title}${where} after ${took}\n${indent(explain(data.details.error))}\n`;
  } else if (data.details.type !== "suite") {
    counts.passed++;
    if (data.details.duration_ms > slowMs) yield `  passed   ${title} in ${took}\n`;
  }
}

/** node:test wraps what a test threw; the cause is what the reader wants. */
function explain(error) {
  const cause = error?.cause ?? error;
  return cause instanceof Error ? (cause.stack ?? cause.message) : inspect(cause);
}

function indent(text) {
  return text
    .split("\n")
    .map((line) => `           ${line}`)
    .join("\n");
}
