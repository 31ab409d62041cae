import assert from "node:assert/strict";
import { existsSync, linkSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { reloadMarkerPath, unmark, whileMarked } from "../../main/control/reload-marker.js";

test("where it lies", () => {
  const path = (markerFile: string | boolean, instanceName?: string): string | undefined =>
    reloadMarkerPath({ markerFile }, { instanceName }, "/run/keepalived/a/keepalived_one.pid");
  assert.equal(path(false), undefined);
  assert.equal(path("/x/y"), "/x/y");
  assert.equal(path(true), "/run/keepalived/a/keepalived.reload");
  assert.equal(path(true, "one"), "/run/keepalived/a/keepalived_one.reload");
});

test("it is there while the configuration is read, for all to see, and gone afterwards, also after a failure", async () => {
  const dir = mkdtempSync(join(tmpdir(), "reload-marker-"));
  const umask = process.umask(0o177);
  try {
    const path = join(dir, "m");
    const seen = await whileMarked(path, async () => statSync(path).mode & 0o777);
    assert.equal(seen, 0o644);
    assert.equal(existsSync(path), false);
    await assert.rejects(
      whileMarked(path, () => Promise.reject(new Error("no"))),
      /no/,
    );
    assert.equal(existsSync(path), false);
  } finally {
    process.umask(umask);
    rmSync(dir, { recursive: true });
  }
});

test("no directory, no marker, and neither kind of link opens a file to others: the reload goes on", async () => {
  const dir = mkdtempSync(join(tmpdir(), "reload-marker-"));
  try {
    assert.equal(await whileMarked(join(dir, "none/m"), () => Promise.resolve(1)), 1);
    assert.equal(await whileMarked(undefined, () => Promise.resolve(2)), 2);
    const target = join(dir, "target");
    writeFileSync(target, "kept", { mode: 0o600 });
    symlinkSync(target, join(dir, "link"));
    await whileMarked(join(dir, "link"), () => Promise.resolve());
    linkSync(target, join(dir, "hard"));
    await whileMarked(join(dir, "hard"), () => Promise.resolve());
    assert.equal(readFileSync(target, "utf8"), "kept");
    assert.equal(statSync(target).mode & 0o777, 0o600);
    await unmark(join(dir, "none"));
  } finally {
    rmSync(dir, { recursive: true });
  }
});
