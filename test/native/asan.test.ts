import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { projectRoot } from "./addon-under-test.js";
import { compile, compilerFile, nodeHeaders, sanitizerFlags, sources } from "./build.js";

const outDir = join(projectRoot, "build-asan");
const headers = nodeHeaders();
const options = {
  // Compiling takes two minutes on a busy machine, the 200 rounds of teardown.test.ts about two.
  timeout: 1_200_000,
  ...(headers === undefined ? { skip: "needs the headers of Node (node_api.h): set npm_config_nodedir" } : {}),
};

/** The names in binding.gyp that concern N-API, so that the same code is compiled. */
const defines = [
  "NAPI_VERSION=9",
  "NAPI_DISABLE_CPP_EXCEPTIONS",
  "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS",
  "NODE_ADDON_API_DISABLE_DEPRECATED",
].map((name) => `-D${name}`);

async function build(include: string): Promise<string> {
  const file = join(outDir, "holdfast.node");
  // Relative to the working directory, as gyp wants it.
  const { include_dir } = createRequire(import.meta.url)("node-addon-api") as { readonly include_dir: string };
  const units = ["src", "probe"].flatMap((folder) =>
    readdirSync(join(sources, folder))
      .filter((name) => name.endsWith(".cc"))
      .map((name) => join(sources, folder, name)),
  );
  mkdirSync(outDir, { recursive: true });
  const system = ["-isystem", resolve(include_dir), "-isystem", include];
  await compile([...sanitizerFlags, ...defines, ...system, "-fPIC", "-shared", ...units, "-o", file, "-lpcre2-8"]);
  return file;
}

test("add-on with AddressSanitizer and UndefinedBehaviorSanitizer", options, async (t) => {
  const file = await build(headers ?? "");
  const runtime = await compilerFile("libasan.so");
  for (const suite of [
    "addon",
    "ipv6-adverts",
    "udp",
    "system-functions",
    "probe",
    "hostile",
    "probe-hostile",
    "hostile-servers",
    "hostile-network",
    "teardown",
    "script-start",
  ]) {
    await t.test(suite, async () => {
      const path = fileURLToPath(new URL(`${suite}.test.js`, import.meta.url));
      // The package raw-socket deletes its sockets under another size than it made them with.
      const foreign = suite === "system-functions" ? ":new_delete_type_mismatch=0" : "";
      const { NODE_TEST_CONTEXT: _, ...inherited } = process.env; // its own report, not a part of ours
      const env = {
        ...inherited,
        HOLDFAST_TEST_ADDON: file,
        LD_PRELOAD: runtime,
        // Node itself leaves memory to the end of the process; the counts in teardown.test.ts look for ours.
        ASAN_OPTIONS: `detect_leaks=0:abort_on_error=1:detect_stack_use_after_return=1${foreign}`,
        UBSAN_OPTIONS: "print_stacktrace=1",
      };
      const child = spawn(process.execPath, ["--test-reporter=spec", path], { env, stdio: ["ignore", "pipe", "pipe"] });
      let output = "";
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding("utf8").on("data", (text: string) => {
          output += text;
        });
      const [code] = await once(child, "close");
      assert.ok(code === 0 && !/Sanitizer|runtime error:/.test(output), output.slice(-8000));
    });
  }
});
