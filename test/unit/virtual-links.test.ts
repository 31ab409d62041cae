import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { type LinkHost, VirtualLinks } from "../../main/network/virtual-links.js";
import type { Link, NetworkChange } from "../../main/vrrp/ports.js";
import { SimClock } from "../simulation/sim-clock.js";
import { load } from "./config-fake-host.js";
import { recordingLog } from "./notify-support.js";

const text =
  "vrrp_instance A {\n interface eth0\n virtual_router_id 51\n use_vmac vrrp.51\n virtual_ipaddress { 10.0.0.1 }\n}\n";
const CREATE = 0x400;

/** A host on which links can be made, each with an index of its own. */
class FakeHost implements LinkHost {
  readonly #links = new Map<string, Link>();
  readonly #listeners = new Set<(change: NetworkChange) => void>();
  #index = 2;

  plug(name: string): void {
    const common = { running: true, noArp: false, multicast: true, mtu: 1500, mac: new Uint8Array(6) };
    const link = { ...common, index: this.#index++, name };
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

  ask: LinkHost["ask"] = (_subject, request, done) => {
    if (((request.flags ?? 0) & CREATE) !== 0) this.plug("vrrp.51");
    done({ errno: 0, reason: "" });
  };
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
