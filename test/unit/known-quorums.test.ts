import assert from "node:assert/strict";
import { test } from "node:test";
import type { VirtualServerConfig } from "../../main/config/model.js";
import { lostQuorums } from "../../main/control/known-quorums.js";
import { instanceConfig, syncGroup } from "../harness/config-fixtures.js";
import { config, virtualServer } from "./health-fixtures.js";

const tracking = (...names: readonly string[]) => names.map((name) => ({ name, weight: 0, reverse: false }));

test("after a crash those that are tracked and were lost are known, by the names that VRRP has for them", () => {
  const mark = (fwmark: number, family: "inet" | "inet6"): VirtualServerConfig =>
    virtualServer({ service: { kind: "fwmark", fwmark, family } });
  const servers = [virtualServer(), mark(7, "inet"), mark(7, "inet6"), mark(8, "inet"), virtualServer()];
  const { track } = instanceConfig();
  const quorums = tracking("[192.0.2.1]:tcp:80", "FWM 7 inet6");
  const instance = instanceConfig({ track: { ...track, quorums } });
  const group = { ...syncGroup("G", ["V"]), track: { ...track, quorums: tracking("FWM 7") } };
  const all = { ...config(servers), vrrpInstances: [instance], syncGroups: [group] };
  const asked: string[] = [];
  const lost = (...keys: readonly string[]): readonly string[] => {
    const get = (key: string) => {
      asked.push(key);
      return keys.includes(key) ? "down" : key === "inet 8" ? undefined : "up";
    };
    return [...lostQuorums(all, { get })];
  };
  assert.deepEqual(lost("inet6 7", "inet 8"), ["FWM 7 inet6"]);
  assert.deepEqual(lost("inet 7", "[192.0.2.1]:tcp:80"), ["[192.0.2.1]:tcp:80", "FWM 7"]);
  assert.ok(!asked.includes("inet 8"), "nobody tracks it");
  assert.deepEqual(lost(), []);
  asked.length = 0;
  assert.deepEqual([...lostQuorums(config(servers), { get: () => assert.fail("nobody tracks any") })], []);
});
