import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { projectRoot } from "./addon-under-test.js";
import { compile, sanitizerFlags, sources } from "./build.js";

test("the parts without Node, as plain C++ with sanitizers", { timeout: 500_000 }, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "holdfast-core-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const program = join(dir, "core_test");
  const units = ["launcher/command_line.cc", "src/netlink_receiver.cc", "src/script_spawn.cc"];
  const files = [join(projectRoot, "test/native/core_test.cc"), ...units.map((unit) => join(sources, unit))];
  await compile([...sanitizerFlags, ...files, "-o", program]);
  const { status, stdout, stderr } = spawnSync(program, { encoding: "utf8" });
  assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: "ok\n", stderr: "" });
});
