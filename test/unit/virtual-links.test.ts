import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Config } from "../../main/config/model.js";
import { type LinkHost, VirtualLinks } from "../../main/network/virtual-links.js";
import type { Link, NetworkChange } from "../../main/vrrp/ports.js";
import { SimClock } from "../simulation/sim-clock.js";
import { load } from "./config-fake-host.js";
import { recordingLog } from "./notify-support.js";

const text =
  "vrrp_instance A {\n interface eth0\n virtual_router_id 51\n use_vmac vrrp.51\n virtual_ipaddress { 10.0.0.1 }\n}\n";
const CREATE = 0x400;
/** Made, told not to make addresses of IPv6 itself, and up. */
const ORDERS = 3;
const RTM_DELLINK = 17;
const EINVAL = 22;
const ENOBUFS = 105;

/** A host on which links can be made, each with an index of its own. */
class FakeHost implements LinkHost {
  readonly #links = new Map<string, Link>();
  readonly #listeners = new Set<(change: NetworkChange) => void>();
  #index = 2;

  plug(name: string): void {
    const mac = Uint8Array.of(0, 0, 0x5e, 0, 1, 51);
    const common = { running: true, noArp: false, multicast: true, mtu: 1500, mac };
    const lower = this.link("eth0")?.index;
    const macvlan = { kind: "macvlan", lower, master: undefined, group: 0, mode: 1, table: undefined };
    const details = name === "eth0" ? undefined : macvlan;
    const link = { ...common, index: this.#index++, name, details };
    this.#links.set(name, link);
    this.#tell({ kind: "link", link });
  }

  unplug(name: string): void {
    const index = this.link(name)?.index ?? 0;
    this.#links.delete(name);
    this.#tell({ kind: "link-gone", index, name });
  }

  #tell(change: NetworkChange): void {
    for (const listener of [...this.#listeners]) listener(change);
  }

  /** While it is there, answers to what another thread asks wait. */
  held: (() => void)[] | undefined;
  /** The same of what this thread asks. */
  heldHere: (() => void)[] | undefined;

  ask: LinkHost["ask"] = (...request) => this.#ask(this.heldHere, ...request);
  askAside: LinkHost["askAside"] = (...request) => this.#ask(this.held, ...request);
  /** Files of settings that were written. */
  readonly written: string[] = [];
  writeAside = (path: string): Promise<void> => {
    this.written.push(path);
    return Promise.resolve();
  };
  /** What the kernel says to whatever it is asked. */
  errno: number = 0;

  #ask(held: (() => void)[] | undefined, ...[_subject, request, done]: Parameters<LinkHost["ask"]>): void {
    const answer = (): void => {
      if (((request.flags ?? 0) & CREATE) !== 0 && this.errno !== EINVAL) this.plug("vrrp.51");
      else if (request.type === RTM_DELLINK) this.unplug("vrrp.51");
      done({ errno: this.errno, reason: "" });
    };
    if (held === undefined) answer();
    else held.push(answer);
  }
  link = (name: string): Link | undefined => this.#links.get(name);
  links = (): readonly Link[] => [...this.#links.values()];
  nameOf = (): undefined => undefined;
  addresses = (): readonly [] => [];
  addAddress = (): void => undefined;
  deleteAddress = (): void => undefined;
  subscribe(listener: (change: NetworkChange) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }
}

const settle = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await nextTurn();
};

function bench() {
  const host = new FakeHost();
  const clock = new SimClock();
  const again: (number | undefined)[] = [];
  const sysctls = { read: () => Promise.resolve(undefined), write: () => Promise.resolve(undefined) };
  const onMadeAgain = (): void => void again.push(host.link("vrrp.51")?.index);
  const links = new VirtualLinks(host, clock, recordingLog().log, onMadeAgain, sysctls);
  const { config } = load(text);
  assert.ok(config !== undefined);
  return { host, clock, again, links, config };
}

test("a link that somebody deletes is made again, and its new index is told", async () => {
  const { host, clock, again, links, config } = bench();
  host.plug("eth0");
  await links.apply(config);
  assert.deepEqual([host.link("vrrp.51")?.index, again], [3, []]);
  host.unplug("vrrp.51");
  clock.advance(1000);
  await settle();
  assert.deepEqual(again, [4]);
});

test("one whose base comes after the start is made then, and told", async () => {
  const { host, again, links, config } = bench();
  await links.apply(config);
  assert.equal(host.link("vrrp.51"), undefined);
  host.plug("eth0");
  await settle();
  assert.deepEqual(again, [3]);
});

test("a link that is being made when the end comes does not stay behind", async () => {
  const { host, links, config } = bench();
  await links.apply(config);
  host.held = [];
  host.plug("eth0");
  await settle();
  assert.equal(host.held.length, ORDERS, "the orders to make it are with the kernel");
  const removed = links.remove();
  for (; host.held.length > 0; await settle()) host.held.shift()?.();
  await removed;
  assert.equal(host.link("vrrp.51"), undefined);
});

test("a reload waits for a link that is being made, and makes it once", async () => {
  const { host, links, config } = bench();
  await links.apply(config);
  host.held = [];
  host.plug("eth0");
  await settle();
  const applied = links.apply(config).then(() => host.link("vrrp.51")?.index);
  for (; host.held.length > 0; await settle()) host.held.shift()?.();
  assert.equal(await applied, 3);
  await settle();
  assert.equal(host.link("vrrp.51")?.index, 3);
});

/** The configuration of so many instances, each with a VMAC of its own. */
function many(count: number): Config {
  const one = (i: number): string => text.replaceAll("51", `${i + 1}`).replace(" A ", ` A${i} `);
  const { config } = load(Array.from({ length: count }, (_, i) => one(i)).join(""));
  assert.ok(config !== undefined);
  return config;
}

test("links of a start are made by another thread, many at a time, and no more than the kernel may tell of at once", async () => {
  const { host, links } = bench();
  host.plug("eth0");
  host.held = [];
  host.heldHere = [];
  const applied = links.apply(many(100));
  await settle();
  assert.deepEqual([host.held.length, host.heldHere.length], [64 * ORDERS, 0]);
  for (; host.held.length > 0; await settle()) host.held.shift()?.();
  await applied;
  assert.equal(host.heldHere.length, 0);
});

test("when all are made at once, as their base comes, no setting is written for more links than are in line before it", async () => {
  const { host, links } = bench();
  await links.apply(many(100));
  host.held = [];
  host.plug("eth0");
  await settle();
  assert.deepEqual([host.held.length, host.written.length], [64 * ORDERS + 36, 64]);
  for (; host.held.length > 0; await settle()) host.held.shift()?.();
  assert.equal(host.written.length, 100);
});

for (const name of ["all", "default"]) {
  test(`a link that is to be named ${name}, which the kernel refuses, changes no settings of every interface`, async () => {
    const { host, links } = bench();
    host.plug("eth0");
    host.errno = EINVAL;
    const { config } = load(text.replace("use_vmac vrrp.51", `use_vmac ${name}`));
    assert.ok(config !== undefined);
    await links.apply(config);
    assert.deepEqual(host.written, []);
  });
}

test("a link that was made is ours, also when the kernel's answer was lost", async () => {
  const { host, links, config } = bench();
  host.plug("eth0");
  host.errno = ENOBUFS;
  await links.apply(config);
  host.errno = 0;
  await links.remove();
  assert.equal(host.link("vrrp.51"), undefined);
});
