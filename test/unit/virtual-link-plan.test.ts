import assert from "node:assert/strict";
import { test } from "node:test";
import type { VrrpInstanceConfig } from "../../main/config/model.js";
import { noVirtualInterface, plainAddress } from "../../main/config/model-vrrp.js";
import { fits, type LinkView, planLinks } from "../../main/network/virtual-link-plan.js";
import { vrid } from "../../main/units.js";
import type { Link } from "../../main/vrrp/ports.js";
import { threadCpuTime } from "../../native-bindings/process.js";
import { emptyConfig, instanceConfig, virtualAddress } from "../harness/config-fixtures.js";

const link = (index: number, name: string, changes: Partial<Link> = {}): Link => ({
  index,
  name,
  running: true,
  noArp: false,
  multicast: true,
  mtu: 1500,
  mac: Uint8Array.of(2, 0, 0, 0, 0, index),
  ...changes,
});

const macvlan = (index: number, name: string, lower: number, mac: readonly number[]): Link => {
  const details = { kind: "macvlan", lower, master: undefined, group: 0, mode: 1, table: undefined };
  return link(index, name, { mac: Uint8Array.from(mac), details });
};

function view(links: readonly Link[], ours: readonly string[] = []): LinkView {
  const byName = (name: string): Link | undefined => links.find((each) => each.name === name);
  return {
    link: byName,
    on: (base) => links.filter(({ details }) => details?.lower === byName(base)?.index),
    isOurs: (name) => ours.includes(name),
  };
}

const vmac = (changes: { name?: string; mac?: readonly number[]; transmitBase?: boolean } = {}) => ({
  own: { kind: "vmac", name: changes.name, mac: changes.mac, netlinkNotify: false, group: undefined } as const,
  forAddresses: false,
  transmitBase: changes.transmitBase ?? false,
});

const rfc = [0, 0, 0x5e, 0, 1, 51] as const;
const host = [link(1, "lo"), link(2, "eth0"), link(3, "eth1")];

const rows: readonly (readonly [
  what: string,
  links: readonly Link[],
  instances: readonly Partial<VrrpInstanceConfig>[],
  want: readonly string[],
])[] = [
  ["nothing asked for", host, [{}], []],
  ["a generated name", host, [{ virtualInterface: vmac() }], ["vrrp.51 on eth0 00005e000133"]],
  ["a given name", host, [{ virtualInterface: vmac({ name: "foo" }) }], ["foo on eth0 00005e000133"]],
  [
    "a generated name that is taken",
    [...host, link(9, "vrrp.51")],
    [{ virtualInterface: vmac() }],
    ["vrrp1.51 on eth0 00005e000133"],
  ],
  [
    "names keep out of the way of one that is given later",
    host,
    [
      { name: "A", virtualInterface: vmac() },
      { name: "B", interface: "eth1", virtualInterface: vmac({ name: "vrrp.51" }) },
    ],
    ["vrrp1.51 on eth0 00005e000133", "vrrp.51 on eth1 00005e000133"],
  ],
  [
    "one that a daemon left is adopted under its name",
    [...host, macvlan(9, "mine", 2, rfc)],
    [{ virtualInterface: vmac() }],
    ["mine on eth0 00005e000133"],
  ],
  [
    "one that is there keeps its name, whatever name is given now",
    [...host, macvlan(9, "vrrp.51", 2, rfc)],
    [{ virtualInterface: vmac({ name: "foo" }) }],
    ["vrrp.51 on eth0 00005e000133"],
  ],
  [
    "one on another interface is not",
    [...host, macvlan(9, "vrrp.51", 3, rfc)],
    [{ virtualInterface: vmac() }],
    ["vrrp1.51 on eth0 00005e000133"],
  ],
  [
    "five octets are completed by the VRID",
    host,
    [{ virtualInterface: vmac({ mac: [2, 1, 2, 3, 4] }) }],
    ["vrrp.51 on eth0 020102030433"],
  ],
  [
    "six octets are used as they are",
    host,
    [{ virtualInterface: vmac({ mac: [2, 1, 2, 3, 4, 5] }) }],
    ["vrrp.51 on eth0 020102030405"],
  ],
  [
    "IPv6 has its own MAC and name",
    host,
    [{ family: "inet6", virtualInterface: vmac() }],
    ["vrrp6.51 on eth0 00005e000233"],
  ],
  [
    "IPv6 skips the number 6",
    [...host, ...["vrrp6", ...["1", "2", "3", "4", "5"].map((n) => `vrrp${n}`)].map((n, i) => link(20 + i, `${n}.51`))],
    [{ family: "inet6", virtualInterface: vmac() }],
    ["vrrp7.51 on eth0 00005e000233"],
  ],
];

for (const [what, links, instances, want] of rows) {
  test(`plan: ${what}`, () => {
    const config = emptyConfig({ vrrpInstances: instances.map((changes) => instanceConfig(changes)) });
    const { wishes, config: placed } = planLinks(config, view(links));
    const shown = wishes.map(
      ({ name, base, kind }) =>
        `${name} on ${base} ${kind.is === "macvlan" ? Buffer.from(kind.mac).toString("hex") : ""}`,
    );
    assert.deepEqual(shown, want);
    if (want.length === 0) assert.equal(placed, config, "the same object");
    else
      assert.deepEqual(
        placed.vrrpInstances.map((each) => each.virtualInterface.own?.name),
        wishes.map((w) => w.name),
      );
  });
}

test("plan: a long prefix is cut to what a name may have", () => {
  const global = emptyConfig().global;
  const instanceDefaults = { ...global.instanceDefaults, vmacPrefix: "averylongprefix" };
  const vrrpInstances = [
    instanceConfig({ vrid: vrid(251), virtualInterface: vmac() }),
    instanceConfig({ name: "W", vrid: vrid(251), interface: "eth1", virtualInterface: vmac() }),
  ];
  const { wishes } = planLinks(emptyConfig({ global: { ...global, instanceDefaults }, vrrpInstances }), view(host));
  assert.equal(wishes.length, 2);
  assert.notEqual(wishes[0]?.name, wishes[1]?.name);
  for (const { name } of wishes) assert.ok(name.length <= 15 && name.endsWith(".251"), name);
});

test("plan: where addresses go", () => {
  const more = { ...plainAddress, useVmac: true };
  const addresses = [
    virtualAddress("192.0.2.100"),
    virtualAddress("192.0.2.101", { dev: "eth0" }),
    virtualAddress("192.0.2.102", { dev: "eth1" }),
    virtualAddress("192.0.2.103", { dev: "eth1", more }),
    virtualAddress("2001:db8::1"),
  ];
  const devices = (virtualInterface: VrrpInstanceConfig["virtualInterface"]) => {
    const instance = instanceConfig({ virtualInterface, virtualAddresses: addresses });
    const { config } = planLinks(emptyConfig({ vrrpInstances: [instance] }), view(host));
    return config.vrrpInstances[0]?.virtualAddresses.map(({ dev }) => dev ?? "own");
  };
  assert.deepEqual(devices(vmac()), ["own", "vrrp.51", "eth1", "vrrp1.51", "eth0"]);
  assert.deepEqual(devices({ ...vmac(), forAddresses: true }), ["own", "vrrp.51", "vrrp1.51", "vrrp1.51", "vrrp6.51"]);
  assert.deepEqual(devices(noVirtualInterface), ["own", "eth0", "eth1", "vrrp.51", "own"]);
});

test("plan: the address of an ipvlan is the source of the adverts", () => {
  const own = {
    kind: "ipvlan",
    name: "ipv51",
    address: { address: "192.0.2.5", prefix: 24 },
    mode: "bridge",
    group: 7,
  } as const;
  const instance = instanceConfig({ virtualInterface: { own, forAddresses: false, transmitBase: false } });
  const { wishes, config } = planLinks(emptyConfig({ vrrpInstances: [instance] }), view(host));
  assert.deepEqual(wishes[0]?.kind, { is: "ipvlan", mode: "bridge" });
  assert.deepEqual([wishes[0]?.address?.address, wishes[0]?.group], ["192.0.2.5", 7]);
  assert.equal(config.vrrpInstances[0]?.sourceAddress, "192.0.2.5");
});

test("plan: what is adopted has the base, the mode and the MAC address", () => {
  const instance = instanceConfig({ virtualInterface: vmac() });
  const [wish] = planLinks(emptyConfig({ vrrpInstances: [instance] }), view(host)).wishes;
  assert.ok(wish !== undefined);
  const base = link(2, "eth0");
  assert.equal(fits(wish, macvlan(9, "vrrp.51", 2, rfc), base), true);
  assert.equal(fits(wish, macvlan(9, "vrrp.51", 3, rfc), base), false);
  assert.equal(fits(wish, macvlan(9, "vrrp.51", 2, [2, 0, 0, 0, 0, 1]), base), false);
  assert.equal(fits(wish, link(9, "vrrp.51"), base), false);
});

test("fifteen hundred VMACs that a daemon before this one left are found in a moment", () => {
  const count = 1500;
  const macOf = (i: number): readonly number[] => [2, 0, 0, 0, i >> 8, i & 0xff];
  const left = Array.from({ length: count }, (_, i) => macvlan(10 + i, `old.${i}`, 2, macOf(i)));
  const byName = new Map([link(2, "eth0"), ...left].map((one) => [one.name, one]));
  const there: LinkView = { link: (name) => byName.get(name), on: () => left, isOurs: () => false };
  const vrrpInstances = left.map((_, i) =>
    instanceConfig({
      name: `I${i}`,
      virtualInterface: vmac({ mac: macOf(i) }),
      virtualAddresses: [virtualAddress("192.0.2.1")],
    }),
  );
  const before = threadCpuTime();
  const { wishes } = planLinks(emptyConfig({ vrrpInstances }), there);
  const took = threadCpuTime() - before;
  assert.deepEqual(
    wishes.map(({ name }) => name),
    left.map(({ name }) => name),
  );
  assert.ok(took < 100, `it took ${took.toFixed(0)} ms`); // 2 million comparisons would be several times as much
});
