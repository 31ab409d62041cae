import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { compiled } from "../harness/project.js";

/** @returns octets per advert that grew old in backups */
function octetsPerAdvert(...args: readonly string[]): number {
  const program = compiled("test/harness/steady-backup.ts");
  const flags = ["--expose-gc", "--initial-old-space-size=200"]; // no collection of the whole heap meanwhile
  const { stdout, stderr } = spawnSync(process.execPath, [...flags, program, ...args], { encoding: "utf8" });
  assert.equal(stderr, "");
  const { perAdvert, heard, expected } = JSON.parse(stdout) as Record<"perAdvert" | "heard" | "expected", number>;
  assert.equal(heard, expected, "all of them were heard");
  return perAdvert;
}

test("of adverts that say nothing new next to nothing grows old", () => {
  const asking = octetsPerAdvert("ask");
  assert.ok(asking > 100, `with a new state for each ${asking} octets: the measure sees them`);
  const steady = octetsPerAdvert();
  assert.ok(steady < 16, `${steady} octets`);
});
