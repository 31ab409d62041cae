import assert from "node:assert/strict";
import { test } from "node:test";
import { noticeEvent, reportingPriority, stateEvents, transitionEvent } from "../../main/control/vrrp-notices.js";
import { ms, priority } from "../../main/units.js";
import type { VrrpSnapshot } from "../../main/vrrp/snapshot.js";
import { instanceConfig } from "../harness/config-fixtures.js";
import { load } from "./config-fake-host.js";

const names = ["A", "B", "C", "D"] as const;

/** A and B are in a group; `own` are lines of the instances. */
function configured(global: string, group: string, own: Partial<Record<(typeof names)[number], string>> = {}) {
  const instances = names.map(
    (name, i) =>
      `vrrp_instance ${name} {\n interface eth0\n virtual_router_id ${i + 1}\n virtual_ipaddress { 10.0.0.${i + 1} }\n ${own[name] ?? ""}\n}\n`,
  );
  const groups = `vrrp_sync_group G {\n group { A B }\n ${group}\n}\n`;
  const { config } = load(`global_defs {\n ${global}\n}\n${groups}${instances.join("")}`);
  assert.ok(config !== undefined);
  return config;
}

test("whose changes of priority are told: the instance's word, else the group's, else the global one", () => {
  const shown = (...args: Parameters<typeof configured>): string =>
    [...reportingPriority(configured(...args))].join("");
  const [on, off] = ["notify_priority_changes on", "notify_priority_changes off"];
  assert.equal(shown("", ""), "");
  assert.equal(shown("vrrp_notify_priority_changes", ""), "ABCD");
  assert.equal(shown("vrrp_notify_priority_changes", off), "CD");
  assert.equal(shown("", on, { B: off, C: on }), "AC");
});

test("notices: lower priorities always, changes of priority where they are told", () => {
  const instance = instanceConfig({ name: "A" });
  const notice = { on: "priority", instance, state: "MASTER", priority: priority(90) } as const;
  assert.equal(noticeEvent(notice, new Set()), undefined);
  const told = { kind: "priority", name: "A", isMaster: true, priority: 90 };
  assert.deepEqual(noticeEvent(notice, new Set(["A"])), told);
  assert.deepEqual(noticeEvent({ ...notice, state: "FAULT" }, new Set(["A"])), { ...told, isMaster: false });
  const heard = noticeEvent({ ...notice, on: "lower-priority" }, new Set());
  assert.deepEqual(heard, { kind: "lower-priority", name: "A", priority: 90, script: undefined });
});

test("nobody is told of INIT", () => {
  const instance = instanceConfig({ name: "A" });
  const event = { key: "k", instance, from: "INIT", priority: priority(90), because: "", at: ms(0) } as const;
  assert.equal(transitionEvent({ ...event, to: "INIT" }), undefined);
  assert.equal(transitionEvent({ ...event, to: "DELETED" })?.kind, "instance");
});

test("states after a reload: instances, then groups", () => {
  const config = configured("", "");
  const snapshots = config.vrrpInstances.map(
    (each, i) =>
      ({
        config: each,
        state: i < 2 ? "MASTER" : i === 2 ? "FAULT" : "INIT",
        effectivePriority: 100 + i,
      }) as unknown as VrrpSnapshot,
  );
  const groups = config.syncGroups.map((group) => ({ config: group, state: "MASTER", members: [] }) as const);
  const shown = [...stateEvents(snapshots, () => groups)].map((event) =>
    event.kind === "state" ? `${event.type} ${event.name} ${event.state} ${event.priority}` : event.kind,
  );
  assert.deepEqual(shown, [
    "INSTANCE A MASTER 100",
    "INSTANCE B MASTER 101",
    "INSTANCE C FAULT 102",
    "GROUP G MASTER 0",
  ]);
});
