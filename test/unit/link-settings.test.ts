import assert from "node:assert/strict";
import { test } from "node:test";
import { freeOfReversePathFilter, LinkSettings, type Sysctls } from "../../main/network/link-settings.js";
import { recordingLog } from "./notify-support.js";

function sysctls(values: Record<string, string>): Sysctls {
  return {
    read: (path) => Promise.resolve(values[path]),
    write: (path, value) => {
      if (value === "refused") return Promise.resolve("EROFS");
      values[path] = value;
      return Promise.resolve(undefined);
    },
  };
}

test("settings are put back when nobody wants them any more, unless somebody changed them since", async () => {
  const values: Record<string, string> = { a: "0", b: "0", c: "1" };
  const { log } = recordingLog();
  const settings = new LinkSettings(log, sysctls(values));
  await settings.apply(new Map([...["a", "b", "c"], "absent"].map((path) => [path, "1"])));
  assert.deepEqual(values, { a: "1", b: "1", c: "1" });
  await settings.apply(new Map([["b", "1"]]));
  assert.deepEqual(values, { a: "0", b: "1", c: "1" }, "c was 1 before, and is none of ours");
  values["b"] = "2";
  await settings.restoreAll();
  assert.deepEqual(values, { a: "0", b: "2", c: "1" });
});

test("an interface that comes back gets its settings again, and the value of before is not forgotten", async () => {
  const values: Record<string, string> = { a: "0" };
  const settings = new LinkSettings(recordingLog().log, sysctls(values));
  await settings.apply(new Map([["a", "1"]]));
  values["a"] = "0";
  await settings.applyAgain();
  assert.equal(values["a"], "1");
  await settings.restoreAll();
  assert.equal(values["a"], "0");
});

test("what cannot be written is said, with what to do", async () => {
  const { log, lines } = recordingLog();
  await new LinkSettings(log, sysctls({ "ipv4/conf/eth0/arp_ignore": "0" })).apply(
    new Map([["ipv4/conf/eth0/arp_ignore", "refused"]]),
  );
  assert.match(
    JSON.stringify(lines),
    /cannot set net\.ipv4\.conf\.eth0\.arp_ignore to refused: EROFS: .*set it beforehand/,
  );
});

test("the reverse path filter of all interfaces is handed to each of them", async () => {
  const of = (name: string): string => `ipv4/conf/${name}/rp_filter`;
  const values = { [of("all")]: "1", [of("default")]: "0", [of("eth0")]: "2", [of("eth1")]: "0" };
  const wanted = await freeOfReversePathFilter(["eth0", "eth1", "gone"], sysctls(values));
  assert.deepEqual(
    [...wanted],
    [
      [of("default"), "1"],
      [of("eth1"), "1"],
      [of("all"), "0"],
    ],
  );
  assert.deepEqual(await freeOfReversePathFilter(["eth0"], sysctls({ [of("all")]: "0" })), new Map());
});
