import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { projectRoot } from "./addon-under-test.js";
import { compile, sanitizerFlags, sources } from "./build.js";

const patternUnits = ["body_pattern", "pattern_matcher", "pattern_options", "pattern_search"];

for (const { name, main, units, defines } of [
  {
    name: "reader of HTTP responses",
    main: "http_reader_test",
    units: ["http_header", "http_reader", "md5", ...patternUnits],
    defines: [],
  },
  { name: "patterns", main: "body_pattern_test", units: patternUnits, defines: [] },
  {
    name: "patterns, many blocks",
    main: "body_pattern_test",
    units: patternUnits,
    defines: ["-DPROBE_PATTERN_BLOCK=8"],
  },
]) {
  test(`${name}, as plain C++ with sanitizers`, { timeout: 500_000 }, async (t) => {
    const dir = mkdtempSync(join(tmpdir(), "holdfast-http-"));
    t.after(() => rmSync(dir, { recursive: true, force: true }));
    const program = join(dir, main);
    const files = [
      join(projectRoot, "test/native", `${main}.cc`),
      ...units.map((unit) => join(sources, "probe", `${unit}.cc`)),
    ];
    await compile([...sanitizerFlags, ...defines, ...files, "-o", program, "-lpcre2-8"]);
    const { status, stdout, stderr } = spawnSync(program, { encoding: "utf8" });
    assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: "ok\n", stderr: "" });
  });
}
