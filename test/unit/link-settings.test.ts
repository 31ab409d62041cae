import assert from "node:assert/strict";
import { test } from "node:test";
import { LastingState } from "../../main/control/lasting-state.js";
import { StateSlab } from "../../main/control/state-slab.js";
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
  const wanted = await freeOfReversePathFilter(["eth0", "eth1", "gone"], sysctls(values).read);
  assert.deepEqual(
    [...wanted],
    [
      [of("default"), "1"],
      [of("eth1"), "1"],
      [of("all"), "0"],
    ],
  );
  assert.deepEqual(await freeOfReversePathFilter(["eth0"], sysctls({ [of("all")]: "0" }).read), new Map());
});

test("settings that are applied again when the end comes are put back all the same", async () => {
  const values: Record<string, string> = { a: "0", b: "0" };
  const settings = new LinkSettings(recordingLog().log, sysctls(values));
  await settings.apply(new Map([...["a", "b"]].map((path) => [path, "1"])));
  values["a"] = values["b"] = "0"; // the interface came anew
  const again = settings.applyAgain();
  await settings.restoreAll();
  await again;
  assert.deepEqual(values, { a: "0", b: "0" });
});

test("after a crash the next daemon knows how settings were before, and puts them back at its end", async () => {
  const all = "ipv4/conf/all/rp_filter";
  const eth0 = "ipv4/conf/eth0-with-15-oct/rp_filter";
  const values: Record<string, string> = {
    [all]: "1",
    [eth0]: "0",
    "ipv4/conf/a-name-of-15-oc/promote_secondaries": "0",
  };
  const before = { ...values };
  const memory = Buffer.alloc(64 * 16);
  const daemon = async () => {
    const settings = new LinkSettings(recordingLog().log, sysctls(values), new LastingState(new StateSlab(memory)));
    const wanted = new Map(await freeOfReversePathFilter(["eth0-with-15-oct"], (path) => settings.original(path)));
    await settings.apply(wanted.set("ipv4/conf/a-name-of-15-oc/promote_secondaries", "1"));
    return settings;
  };
  await daemon(); // and crashes
  const during = { ...values };
  assert.deepEqual(Object.values(during), ["0", "1", "1"]);
  const next = await daemon();
  assert.deepEqual(values, during);
  await next.restoreAll();
  assert.deepEqual(values, before);
  assert.deepEqual([...new LastingState(new StateSlab(memory)).changedSettings()], []);
});
