import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { createHost } from "../../main/config/host.js";
import { loadConfig } from "../../main/config/load.js";
import { findingLines } from "../../main/config/report.js";

const folder = mkdtempSync(path.join(tmpdir(), "holdfast-host-"));
after(() => rmSync(folder, { recursive: true }));
const host = createHost({ configId: "x" });

const file = (name: string, content: string | Uint8Array): string => {
  const whole = path.join(folder, name);
  writeFileSync(whole, content);
  return whole;
};

const sparse = (at: string, bytes: number): void => {
  writeFileSync(at, "");
  truncateSync(at, bytes);
};

test("a link is told from what it leads to", () => {
  const target = file("target", "");
  const link = path.join(folder, "link");
  symlinkSync("target", link);
  assert.deepEqual(host.readLink?.(link), { target: "target", uid: process.getuid?.() });
  assert.equal(host.readLink?.(target), undefined);
  assert.equal(host.readLink?.(path.join(folder, "nothing")), undefined);
});

test("a file is read whole, with every byte", () => {
  const bytes = Uint8Array.from({ length: 100_000 }, (_, i) => i & 255);
  const content = host.readFile(file("bytes", bytes));
  assert.ok(content.kind === "content");
  assert.deepEqual(Buffer.from(content.bytes), Buffer.from(bytes));
});

test("an empty file, and one of the kernel's that tells no size", () => {
  assert.deepEqual(host.readFile(file("empty", "")), { kind: "content", bytes: Buffer.alloc(0) });
  const version = host.readFile("/proc/version");
  assert.ok(version.kind === "content" && version.bytes.length > 0);
});

for (const [name, make, why] of [
  ["a folder", (at: string) => mkdirSync(at), /^EISDIR$/],
  ["nothing", () => undefined, /^ENOENT$/],
  ["a FIFO without a writer", (at: string) => spawnSync("mkfifo", [at]), /^not a regular file$/],
  ["an executable file", (at: string) => writeFileSync(at, "", { mode: 0o744 }), /^it is executable/],
  ["a file of 1 GB", (at: string) => sparse(at, 2 ** 30), /^EFBIG$/],
] as const) {
  test(`no configuration: ${name}`, { timeout: 5000 }, () => {
    const at = path.join(folder, name.replaceAll(" ", "-"));
    make(at);
    const content = host.readFile(at);
    assert.ok(content.kind === "unreadable");
    assert.match(content.why, why);
  });
}

test("an include that is a folder or executable is passed over, and told", () => {
  mkdirSync(path.join(folder, "parts"));
  chmodSync(file("script.conf", "nonsense\n"), 0o755);
  const { config, diagnostics } = loadConfig(
    file("main.conf", "include parts\ninclude script.conf\nincluder script.conf\nglobal_defs { router_id a }\n"),
    host,
  );
  assert.equal(config?.global.routerId, "a");
  assert.deepEqual(
    diagnostics.map(({ severity, code }) => `${severity} ${code}`),
    ["warning CFG_INCLUDE", "warning CFG_INCLUDE", "error CFG_INCLUDE_REFUSED"],
  );
  assert.match(findingLines(diagnostics)[1] ?? "", /Unable to include '.*script\.conf': it is executable.* - skipping/);
});
