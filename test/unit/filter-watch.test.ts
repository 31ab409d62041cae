import assert from "node:assert/strict";
import { test } from "node:test";
import { FilterWatch } from "../../main/network/filter-watch.js";
import type { NftChange } from "../../main/network/nft-codec.js";
import type { Count } from "../../main/network/nft-questions.js";
import { PacketFilter } from "../../main/network/packet-filter.js";
import type { Link } from "../../main/vrrp/ports.js";
import { HandClock, rest } from "../harness/ipvs-stand.js";
import { recordingLog } from "./notify-support.js";

const LOOK = 1000;

const link = (name: string): Link => ({
  ...{ name, index: name === "eth0" ? 2 : 9, running: true, noArp: false, multicast: true, mtu: 1500 },
  mac: new Uint8Array(6),
});

/** nftables that knows how many rules and elements it has. */
const ENOENT = 2;

class Kernel {
  readonly rules = new Map<string, number>();
  readonly elements = new Map<string, Set<string>>();
  readonly clock = new HandClock();
  readonly said: string[] = [];
  allows: boolean = true;
  /** So many transactions meet a table that is gone. */
  gone = 0;
  generation = 7;
  commits = 0;
  /** Answers wait until they are let go. */
  held: (() => void)[] | undefined;
  /** Errno of all transactions. */
  refuses = 0;
  readonly recording = recordingLog();
  readonly watch = new FilterWatch({
    clock: this.clock,
    filter: new PacketFilter(
      () => ({ commit: (changes, done) => this.#commit(changes, done), [Symbol.dispose]: () => undefined }),
      link,
      this.recording.log,
    ),
    questions: () => ({
      generation: () => Promise.resolve(this.generation),
      countRules: ({ family, chain }) => this.#count(this.rules.get(`${family} ${chain}`) ?? 0),
      countElements: ({ family, set }) => this.#count(this.elements.get(`${family} ${set}`)?.size ?? 0),
      [Symbol.dispose]: () => undefined,
    }),
    allow: (what) => this.said.push(what) > 0 && this.allows,
  });

  flush(): void {
    this.generation += 1;
    this.rules.clear();
    this.elements.clear();
  }

  content(): readonly unknown[] {
    return [[...this.rules], [...this.elements].map(([set, keys]) => [set, keys.size])];
  }

  async look(): Promise<void> {
    await this.clock.pass(LOOK);
    await rest();
  }

  #count(found: number): Promise<Count> {
    return Promise.resolve({ found, interrupted: false });
  }

  #commit(changes: readonly NftChange[], done: (verdict: { errno: number; reason: string }) => void): void {
    const errno = this.gone > 0 ? ENOENT : this.refuses;
    this.gone = Math.max(0, this.gone - 1);
    if (errno === 0) {
      this.generation += 1;
      this.commits += 1;
      for (const change of changes) this.#apply(change);
    }
    const answer = (): void => done({ errno, reason: "" });
    if (this.held === undefined) setImmediate(answer);
    else this.held.push(answer);
  }

  #apply(change: NftChange): void {
    if (change.kind === "delete-table")
      for (const one of [this.rules, this.elements])
        for (const key of one.keys()) if (key.startsWith(`${change.family} `)) one.delete(key);
    if (change.kind === "rule") {
      const chain = `${change.family} ${change.chain}`;
      this.rules.set(chain, (this.rules.get(chain) ?? 0) + 1);
    }
    if (change.kind === "elements" || change.kind === "delete-elements") {
      const set = `${change.family} ${change.set}`;
      const keys = this.elements.get(set) ?? new Set();
      for (const { key } of change.elements) {
        if (change.kind === "elements") keys.add(Buffer.from(key).toString("hex"));
        else keys.delete(Buffer.from(key).toString("hex"));
      }
      this.elements.set(set, keys);
    }
  }
}

const addresses = ["192.0.2.1", "192.0.2.2", "2001:db8::1", "fe80::1"].map((address) => ({ address, on: "eth0" }));

/** Blocked addresses of both families, and a VMAC: every kind of rule. */
async function filtering(): Promise<Kernel> {
  const kernel = new Kernel();
  kernel.watch.block("V1", addresses);
  kernel.watch.redirectIgmp([{ vmac: "vrrp.1", base: "eth0" }]);
  kernel.watch.redirectMld({ vmac: "vrrp.1", base: "eth0", shared: "fe80::2" });
  await rest();
  await kernel.look();
  return kernel;
}

test("what is there is enough, after changes of our own and of others", async () => {
  const kernel = await filtering();
  kernel.watch.block("V2", [{ address: "192.0.2.3", on: "eth0" }]);
  await rest();
  await kernel.look();
  kernel.generation += 1;
  kernel.rules.set("2 in", 9);
  await kernel.look();
  assert.deepEqual([kernel.commits, kernel.said], [4, []]);
});

test("a flushed ruleset, rules and elements alone: all is made anew as it was", async () => {
  const kernel = await filtering();
  const whole = kernel.content();
  kernel.flush();
  await kernel.look();
  assert.deepEqual(kernel.content().map(String).map(sorted), whole.map(String).map(sorted));
  for (const lose of [() => kernel.rules.set("10 out", 1), () => kernel.elements.get("10 vips")?.clear()]) {
    lose();
    kernel.generation += 1;
    await kernel.look();
    assert.deepEqual(kernel.content().map(String).map(sorted), whole.map(String).map(sorted));
  }
  assert.deepEqual(new Set(kernel.said), new Set(["what is in table keepalived of nftables"]));
  assert.equal(kernel.said.length, 3);
});

test("while an answer is on its way nothing is judged; what is contested is left alone", async () => {
  const kernel = await filtering();
  kernel.held = [];
  kernel.watch.block("V2", [{ address: "192.0.2.3", on: "eth0" }]);
  kernel.flush();
  await kernel.look();
  assert.deepEqual(kernel.said, []);
  for (const answer of kernel.held.splice(0)) answer();
  kernel.held = undefined;
  kernel.allows = false;
  const { commits } = kernel;
  await kernel.look();
  assert.deepEqual([kernel.said.length, kernel.commits], [1, commits]);
});

test("nobody looks before something is made, nor after the end", async () => {
  const kernel = new Kernel();
  kernel.watch.block("V1", []);
  assert.equal(kernel.clock.pending, 0);
  kernel.watch.block("V1", addresses);
  assert.equal(kernel.clock.pending, 1);
  await kernel.watch.remove();
  await kernel.look();
  assert.equal(kernel.clock.pending, 0);
});

test("what the kernel refuses is said once, and tried again every 30 s; then it is watched", async () => {
  const kernel = new Kernel();
  kernel.refuses = 12;
  kernel.watch.block("V1", addresses);
  await rest();
  await kernel.look();
  for (let i = 0; i < 2; i++) {
    await kernel.clock.pass(30_000);
    await rest();
    await kernel.look();
  }
  assert.deepEqual([kernel.commits, kernel.recording.lines.length, kernel.clock.pending], [0, 1, 1]);
  kernel.refuses = 0;
  await kernel.clock.pass(30_000);
  await rest();
  const whole = kernel.content();
  assert.equal(kernel.elements.get("2 vips")?.size, 2);
  kernel.flush();
  await kernel.look();
  await kernel.look();
  assert.deepEqual(kernel.content().map(String).map(sorted), whole.map(String).map(sorted));
});

test("a change that the kernel takes again is watched at once", async () => {
  const kernel = new Kernel();
  kernel.refuses = 12;
  kernel.watch.block("V1", addresses);
  await rest();
  await kernel.look();
  kernel.refuses = 0;
  kernel.watch.block("V2", [{ address: "192.0.2.3", on: "eth0" }]);
  await rest();
  kernel.flush();
  await kernel.look();
  assert.equal(kernel.elements.get("2 vips")?.size, 3);
  kernel.watch[Symbol.dispose]();
  assert.equal(kernel.clock.pending, 0);
});

const sorted = (text: string): readonly string[] => text.split(",").sort();

test("a table that is deleted while it is written is made anew later", async () => {
  const kernel = new Kernel();
  kernel.watch.block("V", [{ address: "192.0.2.1", on: "eth0" }]);
  await kernel.look();
  const before = kernel.content();
  kernel.flush();
  kernel.gone = 1;
  await kernel.look();
  assert.deepEqual([kernel.said.length, kernel.content()], [1, [[], []]]);
  await kernel.look();
  assert.deepEqual([kernel.said.length, kernel.content()], [2, before]);
  await kernel.look();
  assert.equal(kernel.said.length, 2);

  kernel.flush();
  kernel.gone = 2; // at first, and when it is made anew at once
  kernel.watch.block("V", [{ address: "192.0.2.2", on: "eth0" }]);
  await rest();
  assert.deepEqual(kernel.content(), [[], []]);
  await kernel.look();
  assert.deepEqual([kernel.said.length, kernel.content()], [3, before]);
});
