import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { projectRoot } from "./addon-under-test.js";
import { compile, sanitizerFlags, sources } from "./build.js";

const skip = existsSync("/usr/include/openssl/ssl.h") ? false : "needs libssl-dev";

test("TLS of the probe engine, as plain C++ with sanitizers", { skip, timeout: 500_000 }, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "holdfast-tls-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const program = join(dir, "tls_test");
  const units = ["tls", "tls_certificates", "tls_context", "tls_key_schedule", "tls_library", "tls_transport"];
  const files = units.map((unit) => join(sources, "probe", `${unit}.cc`));
  const libraries = ["-lssl", "-lcrypto", "-pthread"];
  await compile([
    ...sanitizerFlags,
    join(projectRoot, "test/native/tls_test.cc"),
    ...files,
    "-o",
    program,
    ...libraries,
  ]);
  const env = { ...process.env, TLS_TEST_DIR: dir };
  const { status, stdout, stderr } = spawnSync(program, { encoding: "utf8", env });
  assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: "ok\n", stderr: "" });
});
