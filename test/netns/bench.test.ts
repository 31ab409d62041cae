import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { parseReport } from "../../bench/report/json.js";
import { needs } from "../harness/needs.js";
import { compiled, projectRoot } from "../harness/project.js";

const programs = existsSync(path.join(projectRoot, "build/bench/arrival_target"));
const skip = needs("root", "netns", "native") || (programs ? false : "needs the programs of the bench (npm run setup)");

/** Whether its numbers are reached is the bench's own business; that it measures what is there is ours. */
test("a scenario runs from the command line and leaves its report", { skip, timeout: 90_000 }, () => {
  const dir = mkdtempSync(path.join(tmpdir(), "holdfast-bench-"));
  try {
    const file = path.join(dir, "scale.json");
    const argv = [compiled("bench/bench.ts"), "check-scale", "--quick", "--peer", "", "--run", "test", "--json", file];
    const { status, stdout, stderr } = spawnSync(process.execPath, argv, { encoding: "utf8", timeout: 80_000 });
    assert.equal(status, 0, `${stdout}\n${stderr}`);
    const { run, figures, distributions, faults } = parseReport(readFileSync(file, "utf8"), file);
    assert.deepEqual([run, faults], ["test", []]);
    const rate = figures.find(({ quantity }) => quantity === "checks")?.rounds[0] ?? 0;
    // 1,000 servers every 2 s: 500 a second, less what a check takes itself and a window of 3 s leaves to chance.
    assert.ok(rate > 400 && rate < 600, `${rate}/s`);
    const lateness = distributions[0]?.quantiles.find(([q]) => q === 0.5)?.[1] ?? Number.NaN;
    assert.ok(lateness < 1000, `${lateness} ms late`);
    assert.match(readFileSync(path.join(dir, "scale.svg"), "utf8"), /<polyline/);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test("what is not there is listed", { skip: needs("native") }, () => {
  const { status, stdout } = spawnSync(process.execPath, [compiled("bench/bench.ts"), "no-such"], { encoding: "utf8" });
  assert.equal(status, 1);
  for (const name of ["check-cost", "mass-failure", "ipvs-rate", "lexer", "reload"])
    assert.ok(stdout.includes(name), name);
});
