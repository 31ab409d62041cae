import assert from "node:assert/strict";
import { constants, linkSync, mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pidFileFailure } from "../../main/control/pid-file-failure.js";

/** As the launcher opens a pid file (native-bindings/launcher/pid_file.cc). */
const { O_RDWR, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;

function errnoOf(path: string): number {
  try {
    openSync(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    return -(error as NodeJS.ErrnoException & { errno: number }).errno;
  }
  return 0;
}

test("what lies in the place of a pid file is named, with what to do", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "holdfast-pid-"));
  t.after(() => rmSync(dir, { recursive: true }));
  const at = (name: string): string => join(dir, name);
  mkdirSync(at("folder"));
  symlinkSync(at("elsewhere"), at("link"));
  writeFileSync(at("file"), "");
  linkSync(at("file"), at("second"));
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(at("socket"), resolve));
  t.after(() => server.close());
  for (const [name, says] of [
    ["folder", "a folder lies in its place - remove it, or name another file"],
    ["link", "a symbolic link lies in its place - remove it, or name another file"],
    ["socket", "what lies in its place is no regular file - remove it, or name another file"],
    ["none/pid", "its folder does not exist - make it, or name another file"],
    ["file/pid", "part of its path is no folder - name another file"],
  ] as const) {
    const sentence = pidFileFailure(at(name), errnoOf(at(name)), "--pid");
    assert.equal(sentence, `Cannot write pid file ${at(name)}: ${says} (--pid); the daemon runs without it`);
  }
});

test("other errors have the names that people search for", () => {
  assert.match(
    pidFileFailure("/p", 5, "--vrrp_pid"),
    /^Cannot write pid file \/p: EIO - .* \(--vrrp_pid\); the daemon/,
  );
  for (const odd of [0, -1, 4000]) assert.match(pidFileFailure("/p", odd, "--pid"), new RegExp(`: errno ${odd} - `));
});
