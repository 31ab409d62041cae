import assert from "node:assert/strict";
import { test } from "node:test";
import { changedFixedSettings, type FixedSettings } from "../../main/config/fixed-settings.js";
import { usualPidFile } from "../../main/control/pid-files.js";

const own: FixedSettings = { netNamespace: undefined, ipvsNamespace: "own", instanceName: undefined };

test("what a reload cannot change", () => {
  assert.deepEqual(changedFixedSettings(own, own), []);
  const named = { netNamespace: "a", ipvsNamespace: { name: "b" }, instanceName: "c" };
  assert.deepEqual(changedFixedSettings(named, structuredClone(named)), []);
  assert.deepEqual(
    changedFixedSettings(own, named).map((sentence) => sentence.split(" at a reload")[0]),
    ["Cannot change network namespace", "Cannot change IPVS network namespace", "Cannot change instance name"],
  );
  assert.equal(changedFixedSettings(named, { ...named, ipvsNamespace: { name: "own" } }).length, 1);
  assert.equal(changedFixedSettings(own, { ...own, ipvsNamespace: { name: "own" } }).length, 1, "a name is no place");
});

const places: readonly (readonly [Parameters<typeof usualPidFile>[0], string])[] = [
  [{ netNamespace: undefined, instanceName: undefined, usePidDir: false }, "/run/keepalived.pid"],
  [{ netNamespace: undefined, instanceName: undefined, usePidDir: true }, "/run/keepalived/keepalived.pid"],
  [{ netNamespace: undefined, instanceName: "b", usePidDir: true }, "/run/keepalived/keepalived_b.pid"],
  [{ netNamespace: "a", instanceName: undefined, usePidDir: true }, "/run/keepalived/a/keepalived.pid"],
  [{ netNamespace: "a", instanceName: "b", usePidDir: false }, "/run/keepalived/a/keepalived_b.pid"],
];

test("pid files are where keepalived has them", () => {
  for (const [naming, path] of places) assert.equal(usualPidFile(naming), path);
});
