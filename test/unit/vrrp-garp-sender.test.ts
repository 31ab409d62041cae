import assert from "node:assert/strict";
import { test } from "node:test";
import type { VrrpInstanceConfig } from "../../main/config/model.js";
import { type GarpGroupConfig, noExtras, noVirtualInterface, plainAddress } from "../../main/config/model-vrrp.js";
import { ms } from "../../main/units.js";
import { AdvertLog } from "../../main/vrrp/advert-log.js";
import { Announcements } from "../../main/vrrp/announcements.js";
import { ExtraAnnouncements, extraPlaces } from "../../main/vrrp/extra-announcements.js";
import { GarpSender } from "../../main/vrrp/garp-sender.js";
import type { HostNetwork, Link } from "../../main/vrrp/ports.js";
import { SimClock } from "../simulation/sim-clock.js";
import { instanceConfig, virtualAddress } from "../simulation/sim-router.js";

const plain = { running: true, noArp: false, multicast: true, mtu: 1500, mac: Uint8Array.of(2, 0, 0, 0, 0, 1) };
const details = { master: undefined, group: 0, mode: undefined, table: undefined };
const links: readonly Link[] = [
  { ...plain, index: 2, name: "eth0" },
  { ...plain, index: 3, name: "eth1" },
  { ...plain, index: 4, name: "vrrp.51", details: { ...details, kind: "macvlan", lower: 2 } },
  // A VLAN has the interface below it in its details too, and is a wire of its own.
  { ...plain, index: 5, name: "eth0.7", details: { ...details, kind: "vlan", lower: 2 } },
];

/** A sender, and what it has sent as `ms interface address`. */
function stand(gap: number, groups: readonly GarpGroupConfig[] = []) {
  const clock = new SimClock();
  const start = clock.now();
  const sent: string[] = [];
  const network: Pick<HostNetwork, "link"> = { link: (name) => links.find((link) => link.name === name) };
  const sender = new GarpSender({
    clock,
    network: network as HostNetwork,
    sendFrame: (index, frame) => {
      const address = frame[12] === 0x08 ? frame.subarray(28, 32).join(".") : "NA";
      sent.push(`${clock.now() - start} ${links.find((link) => link.index === index)?.name} ${address}`);
      return 0;
    },
    log: Object.assign(() => undefined, { detail: false }),
  });
  sender.configure({ inet: ms(gap), inet6: ms(gap) }, groups);
  return { clock, sender, sent };
}

test("a VMAC and the interface below it are one wire, a VLAN is another", () => {
  const { clock, sender, sent } = stand(100);
  for (const name of ["eth0", "vrrp.51", "eth0.7", "eth1"]) sender.announce("A", name, ["10.0.0.1"], 1);
  clock.advance(1000);
  assert.deepEqual(sent, ["0 eth0 10.0.0.1", "0 eth0.7 10.0.0.1", "0 eth1 10.0.0.1", "100 vrrp.51 10.0.0.1"]);
});

test("garp_group: its interfaces share a gap for each kind, others keep the global one", () => {
  const group = { garpInterval: ms(200), gnaInterval: ms(0), interfaces: ["eth0", "eth1"], shared: true };
  const { clock, sender, sent } = stand(50, [group]);
  sender.announce("A", "eth0", ["10.0.0.1", "fd00::1"], 2);
  sender.announce("A", "eth1", ["10.0.1.1"], 1);
  sender.announce("A", "vrrp.51", ["10.0.2.1"], 1);
  sender.announce("A", "eth0.7", ["10.0.3.1", "10.0.3.2"], 1);
  clock.advance(1000);
  assert.deepEqual(sent, [
    "0 eth0 10.0.0.1",
    ...["0 eth0 NA", "0 eth0 NA"],
    "0 eth0.7 10.0.3.1",
    "50 eth0.7 10.0.3.2",
    "200 eth0 10.0.0.1",
    "400 eth1 10.0.1.1",
    "600 vrrp.51 10.0.2.1",
  ]);
});

test("garp_group that a reload takes away: what waits goes on, what is new has the global gap", () => {
  const { clock, sender, sent } = stand(0, [
    { garpInterval: ms(200), gnaInterval: ms(0), interfaces: ["eth0"], shared: false },
  ]);
  sender.announce("A", "eth0", ["10.0.0.1"], 2);
  sender.configure({ inet: ms(0), inet6: ms(0) }, []);
  sender.announce("B", "eth0", ["10.0.0.2"], 2);
  clock.advance(1000);
  assert.deepEqual(sent, ["0 eth0 10.0.0.1", "0 eth0 10.0.0.2", "0 eth0 10.0.0.2", "200 eth0 10.0.0.1"]);
});

test("leaving MASTER: nothing of it goes out any more, whatever interface it waits for", () => {
  const { clock, sender, sent } = stand(0, [
    { garpInterval: ms(200), gnaInterval: ms(0), interfaces: ["eth0", "eth1"], shared: true },
  ]);
  for (const name of ["eth0", "eth1"]) sender.announce("A", name, ["10.0.0.1"], 3);
  sender.announce("B", "eth1", ["10.0.0.2"], 1);
  sender.withdraw("A");
  clock.advance(2000);
  assert.deepEqual(sent, ["0 eth0 10.0.0.1", "200 eth1 10.0.0.2"]);
});

const on = (address: string, dev?: string, base?: string) => ({
  ...virtualAddress(address),
  dev,
  more: base === undefined ? plainAddress : { ...plainAddress, base },
});
const vmac = { kind: "vmac", name: "vrrp.51", mac: undefined, netlinkNotify: false, group: undefined } as const;

const extra = (all: boolean, changes: Partial<VrrpInstanceConfig>): VrrpInstanceConfig =>
  instanceConfig({
    virtualAddresses: [on("10.0.0.1"), on("10.0.0.2"), on("10.0.1.1", "eth1"), on("10.0.2.1", "vrrp1.51", "eth2")],
    excludedAddresses: [on("10.0.1.2", "eth1"), on("fd00::1", "eth0")],
    extras: { ...noExtras, garpExtra: { all, interval: ms(2000) } },
    ...changes,
  });
const own = (transmitBase: boolean) => ({ virtualInterface: { ...noVirtualInterface, own: vmac, transmitBase } });

// What keepalived 2.2.7 announced with the same instances.
for (const { name, config, want } of [
  { name: "VMACs only", config: extra(false, {}), want: ["vrrp1.51 10.0.2.1"] },
  { name: "all but the one that adverts use", config: extra(true, {}), want: ["eth1 10.0.1.1", "vrrp1.51 10.0.2.1"] },
  { name: "own VMAC, which adverts use", config: extra(false, own(false)), want: ["vrrp1.51 10.0.2.1"] },
  {
    name: "own VMAC, and adverts go below it",
    config: extra(false, own(true)),
    want: ["vrrp.51 10.0.0.1", "vrrp1.51 10.0.2.1"],
  },
  {
    name: "all, own VMAC: the interface below it too",
    config: extra(true, own(false)),
    want: ["eth1 10.0.1.1", "vrrp1.51 10.0.2.1", "eth0 fd00::1"],
  },
  { name: "off", config: extra(true, { extras: noExtras }), want: [] },
]) {
  test(`garp_extra_if: ${name}`, () =>
    assert.deepEqual(
      extraPlaces(config).map((place) => `${place.interface} ${place.address}`),
      want,
    ));
}

test("garp_master_refresh: a reload of a master takes it away, brings it, or another one; of a backup it begins nothing", () => {
  const { clock, sender, sent } = stand(0);
  const log = Object.assign(() => undefined, { detail: false });
  const every = (masterRefresh: number): VrrpInstanceConfig =>
    instanceConfig({
      garp: { ...instanceConfig().garp, masterRepeat: 1, masterDelay: ms(0), masterRefresh: ms(masterRefresh) },
    });
  using announcements = new Announcements("A", every(2000), clock, sender, log, new AdvertLog(log, clock));
  const times = (): readonly string[] => sent.splice(0).map((line) => line.split(" ")[0] ?? "");
  announcements.reconfigure(every(3000));
  assert.equal(clock.pending, 0, "a backup");
  announcements.start("master");
  clock.advance(3000);
  assert.deepEqual(times(), ["0", "3000"]);
  announcements.reconfigure(every(0));
  assert.equal(clock.pending, 0);
  clock.advance(1000);
  announcements.reconfigure(every(500));
  announcements.reconfigure(every(500)); // nothing changes: the rhythm stays
  clock.advance(1000);
  assert.deepEqual(times(), ["4500", "5000"]);
  announcements.stop();
  assert.equal(clock.pending, 0);
});

test("garp_extra_if: every interval while MASTER, and a reload may change it", () => {
  const { clock, sender, sent } = stand(0);
  const every = (interval: number) =>
    extra(true, { excludedAddresses: [], extras: { ...noExtras, garpExtra: { all: true, interval: ms(interval) } } });
  const announcements = new ExtraAnnouncements("A", every(2000), clock, sender);
  clock.advance(10_000);
  assert.deepEqual(sent, [], "not before it is MASTER");
  announcements.start();
  clock.advance(5000);
  assert.deepEqual(sent.splice(0), ["12000 eth1 10.0.1.1", "14000 eth1 10.0.1.1"]);
  announcements.reconfigure(every(2000)); // nothing changes: the rhythm stays
  clock.advance(1000);
  assert.deepEqual(sent.splice(0), ["16000 eth1 10.0.1.1"]);
  announcements.reconfigure(every(500));
  clock.advance(1000);
  assert.deepEqual(sent.splice(0), ["16500 eth1 10.0.1.1", "17000 eth1 10.0.1.1"]);
  announcements.stop();
  clock.advance(10_000);
  assert.deepEqual(sent, []);
  assert.equal(clock.pending, 0);
});
