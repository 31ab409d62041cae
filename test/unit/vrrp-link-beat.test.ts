import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import type { LinkbeatMethod } from "../../main/config/model-vrrp.js";
import { noVirtualInterface } from "../../main/config/model-vrrp.js";
import { LastingState } from "../../main/control/lasting-state.js";
import { StateSlab } from "../../main/control/state-slab.js";
import { LinkBeat, polledLinks } from "../../main/vrrp/link-beat.js";
import { type TrackMemory, TrackRecall } from "../../main/vrrp/track-memory.js";
import { pollLink } from "../../native-bindings/link-state.js";
import { loadText } from "../harness/config-fixtures.js";
import { needs } from "../harness/needs.js";
import { SimClock } from "../simulation/sim-clock.js";

const ENODEV = 19;

function stand(memory?: TrackMemory) {
  const clock = new SimClock();
  const device = { errno: 0, up: true, method: "MII" as LinkbeatMethod };
  const asked: string[] = [];
  const logs: string[] = [];
  const edges: string[] = [];
  const recall = new TrackRecall(memory);
  const beat = new LinkBeat({
    clock,
    recall,
    log: Object.assign((_level: unknown, _event: unknown, sentence: string) => void logs.push(sentence), {
      detail: false,
    }),
    poll: (name, method) => {
      asked.push(`${name} ${method}`);
      return Promise.resolve({ ...device });
    },
    onEdge: (name) => edges.push(`${name} ${beat.up(name)}`),
  });
  const pass = async (time: number) => {
    clock.advance(time);
    await setImmediate();
  };
  return { beat, recall, clock, device, asked, logs, edges, pass };
}

test("a polled link: up until an answer says otherwise, asked again a second after each answer", async () => {
  const { beat, device, asked, logs, edges, pass } = stand();
  beat.configure(new Map([["eth0", "MII"]]));
  assert.equal(beat.up("eth0"), true);
  await pass(0);
  await pass(999);
  assert.deepEqual(asked, ["eth0 MII"]);
  device.up = false;
  await pass(1);
  assert.deepEqual([asked.length, edges], [2, ["eth0 false"]]);
  await pass(1000);
  device.up = true;
  await pass(1000);
  assert.deepEqual(edges, ["eth0 false", "eth0 true"]);
  assert.deepEqual(logs, [
    "eth0: its link is asked for by MII",
    "Linkbeat reports eth0 down",
    "Linkbeat reports eth0 up",
  ]);
});

test("a polled link that was down when the daemon died is down until it is asked", async () => {
  const memory = new LastingState(new StateSlab(Buffer.alloc(64 * 64))).tracks;
  const before = stand(memory);
  before.device.up = false;
  before.beat.configure(new Map([["eth0", "MII"]]));
  await before.pass(0);

  for (const again of [1, 2]) {
    const { beat, recall } = stand(memory);
    using _ = recall.start();
    beat.configure(new Map([["eth0", "MII"]]));
    assert.equal(beat.up("eth0"), false, `crash ${again}`);
  }
  const { beat, recall, edges, pass } = stand(memory);
  using _ = recall.start();
  beat.configure(new Map([["eth0", "MII"]]));
  await pass(0);
  assert.deepEqual(edges, ["eth0 true"]);
  assert.equal(memory.takeAll()("linkbeat eth0"), undefined);
});

test("a polled link that cannot be asked counts as netlink has it, and that is told once", async () => {
  const { beat, device, logs, edges, pass } = stand();
  device.up = false;
  beat.configure(new Map([["eth0", "auto"]]));
  await pass(0);
  assert.equal(beat.up("eth0"), false);
  device.errno = ENODEV;
  for (let i = 0; i < 5; i++) await pass(1000);
  assert.deepEqual(edges, ["eth0 false", "eth0 true"]);
  assert.equal(logs.filter((line) => line.includes("cannot be asked for: no such device")).length, 1, logs.join("\n"));
});

test("a reload ends polling, and an answer that comes late changes nothing", async () => {
  const { beat, clock, device, edges, pass } = stand();
  device.up = false;
  beat.configure(new Map([["eth0", "auto"]]));
  beat.configure(new Map());
  await pass(5000);
  assert.deepEqual([edges, clock.pending, beat.up("eth0")], [[], 0, true]);
});

const config = (before: string, inside = "") => `
${before}
vrrp_instance A {
  interface eth0
  virtual_router_id 51
  ${inside}
  track_interface {
    eth1
  }
  virtual_ipaddress {
    192.0.2.100
  }
}
`;

for (const { name, text, want } of [
  { name: "nothing", text: config(""), want: {} },
  { name: "of an instance", text: config("", "linkbeat_use_polling"), want: { eth0: "auto" } },
  { name: "of all", text: config("linkbeat_use_polling"), want: { eth0: "auto", eth1: "auto" } },
  {
    name: "by name",
    text: config("linkbeat_use_polling\nlinkbeat_interfaces {\n eth1 ETHTOOL\n eth2\n}"),
    want: { eth0: "auto", eth1: "ETHTOOL", eth2: "auto" },
  },
]) {
  test(`polled: ${name}`, () => assert.deepEqual(Object.fromEntries(polledLinks(loadText(text))), want));
}

test("polled: a VMAC is not, the interface below it is", () => {
  const loaded = loadText(config("linkbeat_use_polling"));
  const own = { kind: "vmac", name: "vrrp.51", mac: undefined, netlinkNotify: false, group: undefined } as const;
  const vrrpInstances = loaded.vrrpInstances.map((one) => ({
    ...one,
    virtualInterface: { ...noVirtualInterface, own },
  }));
  assert.deepEqual(new Set(polledLinks({ ...loaded, vrrpInstances }).keys()), new Set(["eth0", "eth1"]));
});

test("the kernel is asked: loopback knows ETHTOOL and IOCTL, and what is not there is ENODEV", {
  skip: needs("native"),
}, async () => {
  assert.deepEqual(await pollLink("lo", "IOCTL"), { errno: 0, up: true, method: "IOCTL" });
  const { errno, method } = await pollLink("lo", "auto");
  assert.deepEqual([errno, method === "MII"], [0, false]);
  assert.equal((await pollLink("no-such-link", "auto")).errno, ENODEV);
  for (const name of ["", "a-name-that-is-too-long"]) await assert.rejects(pollLink(name, "auto"), TypeError);
});
