import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { procSysctls } from "../../main/network/proc-sysctls.js";
import { writeFiles } from "../../native-bindings/write-files.js";

const { ENOENT, EISDIR } = constants.errno;

test("each file gets its text or an errno of its own, in order", async () => {
  const dir = mkdtempSync(join(tmpdir(), "write-files-"));
  const file = join(dir, "a");
  try {
    writeFileSync(file, "");
    assert.deepEqual(await writeFiles([join(dir, "b"), file, dir], ["1", "0", "1"]), [ENOENT, 0, EISDIR]);
    assert.equal(readFileSync(file, "latin1"), "0");
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test("nothing but as many texts as paths is taken", async () => {
  assert.deepEqual(await writeFiles([], []), []);
  await assert.rejects(writeFiles(["/dev/null"], []), TypeError);
  await assert.rejects(writeFiles(["/dev/null\0"], [""]), TypeError);
  await assert.rejects(writeFiles([null] as unknown as string[], [""]), TypeError);
});

test("settings that are written in one turn each have their own outcome", async () => {
  const path = "ipv4/conf/all/arp_ignore";
  const before = await procSysctls.read(path);
  assert.ok(before !== undefined);
  const outcomes = [procSysctls.write("ipv4/conf/no-such-link/arp_ignore", "1"), procSysctls.write(path, before)];
  const [missing, same] = await Promise.all(outcomes);
  assert.equal(missing, "ENOENT");
  assert.ok(same === undefined || same === "EROFS" || same === "EACCES", same); // not root, or a container
});
