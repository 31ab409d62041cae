import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { compiled } from "../harness/project.js";

/** Makes 30 MiB old, of the 150 that V8 may use before it collects by itself, and drops them; then little happens. Says how many full collections there were meanwhile. */
const program = (soon: boolean): string => `
  import { PerformanceObserver, constants } from "node:perf_hooks";
  import { QuietCollection } from ${JSON.stringify(compiled("main/control/quiet-collection.ts"))};
  let full = 0;
  new PerformanceObserver((list) => {
    for (const { detail } of list.getEntries()) if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) full++;
  }).observe({ entryTypes: ["gc"] });
  const collection = new QuietCollection();
  let old = Array.from({ length: 400_000 }, (_, n) => ({ n, text: [n] }));
  old = undefined;
  await new Promise((resolve) => setTimeout(resolve, 300)); // what growing itself gave rise to
  full = 0;
  if (${soon}) collection.soon();
  const use = setInterval(() => Array.from({ length: 10_000 }, (_, n) => ({ n })), 10);
  await new Promise((resolve) => setTimeout(resolve, 2000));
  // On a machine with other work one that has begun may take longer to end.
  for (let i = 0; ${soon} && full === 0 && i < 100; i++) await new Promise((resolve) => setTimeout(resolve, 100));
  clearInterval(use);
  collection[Symbol.dispose]();
  console.log(full);
`;

function fullCollections(soon: boolean): number {
  const flags = ["--max-semi-space-size=1", "--initial-old-space-size=150", "--input-type=module", "-e", program(soon)];
  const { stdout, stderr } = spawnSync(process.execPath, flags, { encoding: "utf8" });
  assert.equal(stderr, "");
  return Number(stdout);
}

test("after long work the heap is collected in the quiet; without that it would wait for the next reload", () => {
  assert.equal(fullCollections(false), 0);
  assert.ok(fullCollections(true) >= 1);
});
