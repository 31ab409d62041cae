import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { build } from "hdr-histogram-js";
import { projectRoot } from "./addon-under-test.js";
import { compile, sanitizerFlags, sources } from "./build.js";

const skip = existsSync("/usr/include/openssl/ssl.h") ? false : "needs libssl-dev";

/** What the type of hdr-histogram-js does not show. */
interface Inside {
  countsArrayIndex(value: number): number;
  readonly countsArrayLength: number;
}

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "holdfast-probe-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

const unit = (name: string): string => join(sources, "probe", name);

/** Compiles a test program with these files of the add-on. @returns how to run it */
async function program(dir: string, name: string, files: readonly string[], libraries: readonly string[] = []) {
  const file = join(dir, name);
  await compile([...sanitizerFlags, join(projectRoot, `test/native/${name}.cc`), ...files, "-o", file, ...libraries]);
  return (...args: readonly string[]) => {
    const { status, stdout, stderr } = spawnSync(file, args, {
      encoding: "utf8",
      timeout: 120_000,
      maxBuffer: 1 << 24,
    });
    return { status, stdout, stderr };
  };
}

const good = { status: 0, stdout: "ok\n", stderr: "" };

test("timing wheel, admission, latencies", { timeout: 500_000 }, async (t) => {
  const run = await program(
    folder(t),
    "probe_parts_test",
    ["admission.cc", "latency_counts.cc", "tally.cc", "timing_wheel.cc"].map(unit),
  );
  assert.deepEqual(run(), good);

  await t.test("buckets are those of hdr-histogram-js", () => {
    const histogram = build({
      lowestDiscernibleValue: 1,
      highestTrackableValue: 600_000_000,
      numberOfSignificantValueDigits: 2,
      useWebAssembly: false,
    }) as unknown as Inside;
    assert.equal(histogram.countsArrayLength, 3072, "kBuckets");
    const lines = run("buckets").stdout.trim().split("\n");
    assert.ok(lines.length > 7000, `${lines.length} values`);
    for (const line of lines) {
      const [us = Number.NaN, bucket = Number.NaN] = line.split(" ").map(Number);
      assert.equal(bucket, histogram.countsArrayIndex(us), `${us} µs`);
    }
  });
});

test("phases of steady checks", { timeout: 500_000 }, async (t) => {
  const run = await program(folder(t), "phase_grid_test", [unit("phase_grid.cc")]);
  assert.deepEqual(run(), good);
});

test("the probe engine without Node", { skip, timeout: 500_000 }, async (t) => {
  const dir = folder(t);
  const engine = join(dir, "engine.o"); // all of it, once for all
  const units = readdirSync(join(sources, "probe")).filter((name) => name.endsWith(".cc"));
  await compile([...sanitizerFlags, "-r", ...units.map(unit), "-o", engine]);
  for (const name of ["probe_test", "probe_reuse_test", "probe_exchange_test"])
    await t.test(name, async () => {
      const run = await program(dir, name, [engine], ["-lpcre2-8", "-lssl", "-lcrypto", "-pthread"]);
      assert.deepEqual(run(), good);
    });
});
