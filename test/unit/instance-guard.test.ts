import assert from "node:assert/strict";
import { test } from "node:test";
import { ms, priority } from "../../main/units.js";
import type { Asked } from "../../main/vrrp/guard-ports.js";
import { InstanceGuard } from "../../main/vrrp/instance-guard.js";
import { guardConfig } from "../simulation/sim-guard.js";
import { instanceConfig, virtualAddress } from "../simulation/sim-router.js";
import { HandClock } from "./health-hand-clock.js";
import { recordingLog } from "./notify-support.js";

test("addresses of virtual interfaces are asked for on their base: ours and the master's have one hardware address", () => {
  const clock = new HandClock();
  const questions: Asked[] = [];
  const guard = guardConfig({ probeAddress: ms(200) });
  const plain = virtualAddress("192.0.2.101");
  const instance = instanceConfig({
    virtualAddresses: [
      virtualAddress("192.0.2.100"),
      { ...plain, dev: "vrrp.52", more: { ...plain.more, base: "eth1" } },
      { ...virtualAddress("192.0.2.102"), dev: "eth2" },
    ],
  });
  const own = { name: "vrrp.51" } as unknown as NonNullable<typeof instance.virtualInterface.own>;
  const placed = { ...instance, virtualInterface: { ...instance.virtualInterface, own } };
  const one = new InstanceGuard(guard, placed, {
    clock,
    log: recordingLog().log,
    host: {
      heartbeats: { open: () => assert.fail() },
      witnesses: { prepare: () => undefined, ask: () => assert.fail() },
      addresses: {
        probe: (asked) => {
          questions.push(...asked);
          return { [Symbol.dispose]: () => undefined };
        },
      },
      scripts: { run: () => assert.fail() },
      session: () => 1,
    },
    mayAsk: () => true,
    onClear: () => undefined,
    onHandOver: () => undefined,
    onSplit: () => undefined,
  });
  const wants = { masterInterval: ms(1000), downAt: ms(0), preemptAt: undefined, master: undefined, yielded: false };
  const state = { at: "backup", wantsMaster: true, ...wants } as const;
  one.follow({ state, priority: priority(100), heard: undefined, heardAt: ms(0) });
  one.stop(true);
  assert.deepEqual(
    questions.map((question) => question.interface),
    [instance.interface, "eth1", "eth2"],
  );
});
