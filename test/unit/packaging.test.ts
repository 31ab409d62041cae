import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { parseOptions } from "../../main/control/options.js";

/** From dist/test/unit. */
const packaging = fileURLToPath(new URL("../../../packaging/", import.meta.url));
const unit = readFileSync(join(packaging, "systemd/holdfast.service"), "utf8");

/** All values of a setting, words apart. */
const setting = (name: string): string[] =>
  unit
    .split("\n")
    .filter((line) => line.startsWith(`${name}=`))
    .flatMap((line) => line.slice(name.length + 1).split(" "));

const analyze = spawnSync("systemd-analyze", ["--version"]).status === 0;

test("systemd accepts the unit", { skip: analyze ? false : "systemd-analyze" }, (t) => {
  const dir = mkdtempSync(join(tmpdir(), "holdfast-unit-"));
  t.after(() => rmSync(dir, { recursive: true }));
  const copy = join(dir, "holdfast.service");
  writeFileSync(copy, unit.replace("/usr/sbin/holdfast", process.execPath)); // it checks that the program exists
  const { status, stdout, stderr } = spawnSync("systemd-analyze", ["verify", copy], { encoding: "utf8" });
  const about = `${stdout}${stderr}`.split("\n").filter((line) => line.includes("holdfast")); // other units are not ours
  assert.deepEqual({ status, about }, { status: 0, about: [] });
});

test("the unit starts the daemon in the foreground, with readiness, watchdog and reload", () => {
  const [program, ...words] = setting("ExecStart");
  assert.equal(program, "/usr/sbin/holdfast");
  const parsed = parseOptions(
    words.filter((word) => !word.startsWith("$")),
    {},
  );
  assert.deepEqual({ errors: parsed.errors, dontFork: parsed.options.dontFork }, { errors: [], dontFork: true });
  assert.deepEqual(setting("Type"), ["notify"]);
  assert.deepEqual(setting("NotifyAccess"), ["main"]);
  assert.ok(Number(setting("WatchdogSec")[0]) > 0);
  assert.deepEqual(setting("ExecReload"), ["/bin/kill", "-HUP", "$MAINPID"]);
});

test("the daemon keeps the capabilities that it needs, and no key to all others", () => {
  const kept = setting("CapabilityBoundingSet");
  for (const needed of ["NET_ADMIN", "NET_RAW", "SYS_NICE", "SETUID", "SETGID", "KILL"])
    assert.ok(kept.includes(`CAP_${needed}`), needed);
  for (const refused of ["SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO", "MKNOD"])
    assert.ok(!kept.includes(`CAP_${refused}`), refused);
});

test("scripts and dump files are not broken by sandboxing", () => {
  for (const name of [
    "PrivateTmp",
    "ProtectHome",
    "NoNewPrivileges",
    "ProtectKernelTunables",
    "MemoryDenyWriteExecute",
    "PrivateNetwork",
  ])
    assert.deepEqual(setting(name), [], name);
});

test("the defaults file sets only what the unit and the daemon read", () => {
  const text = readFileSync(join(packaging, "holdfast.default"), "utf8");
  const names = [...text.matchAll(/^#?([A-Z_]+)=/gm)].map(([, name]) => name);
  assert.deepEqual(names, ["DAEMON_ARGS", "HOLDFAST_IPVS", "TMPDIR"]);
  assert.ok(setting("ExecStart").includes("$DAEMON_ARGS"));
  assert.ok(setting("EnvironmentFile").includes("-/etc/default/holdfast"));
});
