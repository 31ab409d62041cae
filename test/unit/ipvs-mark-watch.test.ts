import assert from "node:assert/strict";
import { test } from "node:test";
import type { MarkedAddress } from "../../main/network/ipvs-mark-rules.js";
import { MarkWatch } from "../../main/network/ipvs-mark-watch.js";
import { IpvsMarks } from "../../main/network/ipvs-marks.js";
import type { NftChange } from "../../main/network/nft-codec.js";
import type { Questions } from "../../main/network/nft-guard.js";
import type { Count } from "../../main/network/nft-questions.js";
import { HandClock, rest } from "../harness/ipvs-stand.js";
import { recordingLog } from "./notify-support.js";

const style = { table: "marks", priority: -1, counters: false };
const address = (last: number): MarkedAddress => ({
  ...{ protocol: "TCP", address: `192.0.2.${last}`, port: 80, mark: 1000 },
});
const three = [1, 2, 3].map(address);
const LOOK = 250;

/** nftables of a fake kernel, whose counts a test may change. */
class Kernel {
  generation = 4_294_967_290; // it wraps
  rules = 3;
  readonly #elements = new Set<string>();
  interrupted: boolean = false;
  /** Errno of the next transaction. */
  refuses = 0;
  /** Errno of those after that, one by one. */
  readonly refusesThen: number[] = [];
  /** A count takes so long. */
  countMs = 0;
  asked = { generation: 0, rules: 0, elements: 0 };
  readonly sent: NftChange[] = [];
  readonly clock = new HandClock();
  watches: boolean = true;
  allows: boolean = true;
  readonly said: string[] = [];
  readonly #recording = recordingLog();
  readonly watch = new MarkWatch({
    clock: this.clock,
    marks: new IpvsMarks(
      () => ({ commit: (changes, done) => this.#commit(changes, done), [Symbol.dispose]: () => undefined }),
      this.#recording.log,
    ),
    questions: () => this.#questions,
    watches: () => this.watches,
    allow: (what) => this.said.push(what) > 0 && this.allows,
  });

  get refusals(): number {
    return this.#recording.lines.length;
  }

  /** Somebody else's transaction. */
  others({ rules = this.rules, elements = this.#elements.size } = {}): void {
    this.generation = (this.generation + 1) >>> 0;
    this.rules = rules;
    for (const key of [...this.#elements].slice(elements)) this.#elements.delete(key);
    for (let i = this.#elements.size; i < elements; i++) this.#elements.add(`other ${i}`);
  }

  async look(): Promise<void> {
    await this.clock.pass(LOOK);
    await rest();
  }

  /** What was sent since the last call. */
  news(): readonly string[] {
    return this.sent
      .splice(0)
      .map((change) => (change.kind === "elements" ? `${change.elements.length}` : change.kind));
  }

  #commit(changes: readonly NftChange[], done: (verdict: { errno: number; reason: string }) => void): void {
    const errno = this.refuses;
    this.refuses = this.refusesThen.shift() ?? 0;
    if (errno === 0) {
      this.others();
      this.sent.push(...changes);
      for (const change of changes) {
        if (change.kind === "delete-table") this.#empty();
        if (change.kind === "rule") this.rules = 3;
        if (change.kind === "elements")
          for (const { key } of change.elements) this.#elements.add(Buffer.from(key).toString("hex"));
      }
    }
    setImmediate(() => done({ errno, reason: "" }));
  }

  #empty(): void {
    this.rules = 0;
    this.#elements.clear();
  }

  readonly #count = (found: number): Count => ({ found, interrupted: this.interrupted });
  readonly #questions: Questions = {
    generation: () => {
      this.asked.generation += 1;
      return Promise.resolve(this.generation);
    },
    countRules: () => {
      this.asked.rules += 1;
      return Promise.resolve(this.#count(this.rules));
    },
    countElements: async () => {
      this.asked.elements += 1;
      if (this.countMs > 0) await new Promise<void>((resolve) => this.clock.after(this.countMs as never, resolve));
      return this.#count(this.#elements.size);
    },
    [Symbol.dispose]: () => undefined,
  };
}

async function kernelWithThree(): Promise<Kernel> {
  const kernel = new Kernel();
  await kernel.watch.set(style, three);
  kernel.news();
  await kernel.look();
  return kernel;
}

test("nothing is counted after changes of our own, over the end of the numbers too", async () => {
  const kernel = await kernelWithThree();
  const once = { ...kernel.asked };
  assert.deepEqual([once.rules, once.elements], [2, 1], "at first all is looked at");
  for (let i = 4; i < 20; i++) {
    await kernel.watch.set(style, [...three, address(i)]);
    await kernel.look();
  }
  assert.deepEqual([kernel.asked.rules, kernel.asked.elements], [once.rules, once.elements]);
  assert.ok(kernel.generation < 100, "they have begun again");
  kernel.others();
  await kernel.look();
  assert.deepEqual([kernel.asked.rules, kernel.asked.elements], [4, 2]);
  assert.deepEqual(kernel.said, []);
});

test("a table that is gone, or lacks rules, is made anew; lost elements are added to what is there", async () => {
  const kernel = await kernelWithThree();
  kernel.others({ rules: 0, elements: 0 });
  await kernel.look();
  const anew = kernel.news();
  assert.deepEqual([anew[0], anew.at(-1)], ["table", "3"]);
  kernel.others({ rules: 2 });
  await kernel.look();
  assert.deepEqual(kernel.news(), anew);
  kernel.others({ elements: 2 });
  await kernel.look();
  assert.deepEqual(kernel.news(), ["3"]);
  await kernel.look();
  assert.deepEqual([kernel.news(), kernel.said.length], [[], 3]);
});

test("what others add stays, and nothing is said", async () => {
  const kernel = await kernelWithThree();
  kernel.others({ rules: 5, elements: 9 });
  await kernel.look();
  assert.deepEqual([kernel.news(), kernel.said], [[], []]);
});

test("a count that was interrupted proves no loss, and is made again", async () => {
  const kernel = await kernelWithThree();
  kernel.interrupted = true;
  kernel.others({ elements: 2 });
  await kernel.look();
  assert.deepEqual(kernel.news(), []);
  kernel.interrupted = false;
  await kernel.look();
  assert.deepEqual(kernel.news(), ["3"]);
});

test("what is contested is left alone until it is allowed", async () => {
  const kernel = await kernelWithThree();
  kernel.allows = false;
  kernel.others({ rules: 0 });
  await kernel.look();
  assert.deepEqual([kernel.news(), kernel.said], [[], ["what is in table marks of nftables_ipvs"]]);
  kernel.allows = true;
  await kernel.look();
  assert.equal(kernel.news().at(-1), "3");
});

test("elements are counted within a twentieth of the time, and a lost table is seen meanwhile", async () => {
  const kernel = await kernelWithThree();
  kernel.countMs = 500;
  kernel.others();
  await kernel.clock.pass(LOOK + 500);
  const { elements } = kernel.asked;
  for (let i = 0; i < 30; i++) {
    kernel.others();
    await kernel.look();
  }
  assert.equal(kernel.asked.elements, elements, "7.5 of 10 s have passed");
  kernel.others({ rules: 0 });
  await kernel.look();
  assert.equal(kernel.news().at(-1), "3");
  await kernel.clock.pass(10_000);
  assert.equal(kernel.asked.elements, elements + 1);
});

test("lvs_reconcile off asks nothing; without a table nobody looks", async () => {
  const kernel = await kernelWithThree();
  kernel.watches = false;
  const { generation } = kernel.asked;
  kernel.others({ rules: 0 });
  await kernel.look();
  assert.deepEqual([kernel.asked.generation, kernel.news()], [generation, []]);
  kernel.watches = true;
  await kernel.watch.remove();
  await kernel.look();
  assert.equal(kernel.clock.pending, 0);
  await kernel.watch.set(style, three);
  assert.equal(kernel.clock.pending, 1);
  kernel.watch[Symbol.dispose]();
  assert.equal(kernel.clock.pending, 0);
});

test("a reload that meets a table that is gone makes it anew, without a word", async () => {
  const kernel = await kernelWithThree();
  kernel.refuses = 2;
  await kernel.watch.set(style, three.slice(1));
  const news = kernel.news();
  assert.deepEqual([news[0], news.at(-1), kernel.refusals], ["table", "2", 0]);
});

test("a ruleset that is flushed once more while it is put back is put back all the same", async () => {
  const kernel = await kernelWithThree();
  kernel.others({ rules: 0, elements: 0 });
  kernel.refusesThen.push(2); // the table, and then its elements find none
  await kernel.look();
  const news = kernel.news();
  assert.deepEqual([news[0], news.at(-1), kernel.refusals], ["table", "3", 0]);
  kernel.others({ elements: 1 });
  kernel.refuses = 2; // gone between the count and the answer to it
  await kernel.look();
  assert.deepEqual([kernel.news().at(-1), kernel.refusals], ["3", 0]);
});

test("what the kernel refuses is said once, and tried again every 30 s", async () => {
  const kernel = await kernelWithThree();
  const ENOMEM = 12;
  kernel.others({ rules: 0 });
  kernel.refuses = ENOMEM;
  await kernel.look();
  assert.deepEqual([kernel.news(), kernel.refusals], [[], 1]);
  kernel.refuses = ENOMEM;
  await kernel.clock.pass(30_000);
  await rest();
  assert.deepEqual([kernel.news(), kernel.refusals, kernel.clock.pending], [[], 1, 1]);
  await kernel.clock.pass(30_000);
  await rest();
  assert.equal(kernel.news().at(-1), "3");
  kernel.others({ rules: 0 });
  await kernel.look();
  assert.equal(kernel.news().at(-1), "3", "and watched as before");
  await kernel.watch.remove();
});

test("what a reload writes is watched at once, though the kernel had refused what was before", async () => {
  const kernel = new Kernel();
  kernel.refuses = 12;
  await kernel.watch.set(style, three);
  await kernel.watch.set(style, three);
  kernel.news();
  kernel.others({ rules: 0 });
  await kernel.look();
  assert.deepEqual([kernel.news().at(-1), kernel.clock.pending], ["3", 1]);
});
