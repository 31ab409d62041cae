import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { messages } from "../../main/netlink/reader.js";
import { MessageWriter } from "../../main/netlink/writer.js";
import { type NftChange, writeTransaction } from "../../main/network/nft-codec.js";
import { PacketFilter } from "../../main/network/packet-filter.js";
import type { Link } from "../../main/vrrp/ports.js";
import { threadCpuTime } from "../../native-bindings/process.js";
import { globalConfig } from "../harness/config-fixtures.js";
import { recordingLog } from "./notify-support.js";

const links: Readonly<Record<string, number>> = { eth0: 2, "vrrp.51": 9 };
const link = (name: string): Link | undefined => {
  const index = links[name];
  const common = { running: true, noArp: false, multicast: true, mtu: 1500, mac: new Uint8Array(6) };
  return index === undefined ? undefined : { index, name, ...common };
};

function bench(errno = 0, refuses: (changes: readonly NftChange[]) => boolean = () => true) {
  const { log, lines } = recordingLog();
  const transactions: (readonly NftChange[])[] = [];
  const connect = () => ({
    commit: (changes: readonly NftChange[], done: (verdict: { errno: number; reason: string }) => void) => {
      transactions.push(changes);
      setImmediate(() => done({ errno: refuses(changes) ? errno : 0, reason: "" }));
    },
    [Symbol.dispose]: () => undefined,
  });
  const filter = new PacketFilter(connect, link, log);
  /** Kinds of the changes since the last call, one text per transaction. */
  const take = (): readonly string[] =>
    transactions.splice(0).map((each) => [...new Set(each.map((c) => `${c.kind}${c.family}`))].join(" "));
  return { filter, take, transactions, lines };
}

const at = (address: string) => ({ address, on: "eth0" });

test("nothing is made before it is needed; then what is needed", async () => {
  const { filter, take } = bench();
  filter.block("A", []);
  filter.redirectIgmp([]);
  await filter.remove();
  assert.deepEqual(take(), []);
  filter.block("A", [at("192.0.2.100")]);
  assert.deepEqual(take(), ["table2 delete-table2 set2 chain2 rule2 elements2"]);
  filter.block("B", [at("2001:db8::1"), at("fe80::1")]);
  assert.deepEqual(take(), ["table10 delete-table10 set10 elements10 chain10 rule10"]);
  filter.block("B", [at("2001:db8::1")]);
  assert.deepEqual(take(), ["delete-elements10"]);
  await filter.remove();
  assert.deepEqual(take(), ["table2 delete-table2 table10 delete-table10"]);
});

test("a link-local address without its interface is not blocked, and is when the interface comes", () => {
  const { filter, transactions } = bench();
  const away = { address: "fe80::1", on: "eth9" };
  filter.block("A", [away]);
  assert.equal(transactions.length, 0);
  filter.block("A", [{ address: "fe80::1", on: "eth0" }]);
  const keys = transactions
    .flat()
    .flatMap((change) => (change.kind === "elements" && change.set === "vips_link_local" ? change.elements : []));
  assert.deepEqual(
    keys.map(({ key }) => Buffer.from(key).readUInt32LE(16)),
    [2],
  );
});

test("an address that two instances block stays until both let go", () => {
  const { filter, take } = bench();
  filter.block("A", [at("192.0.2.100")]);
  take();
  filter.block("B", [at("192.0.2.100")]);
  filter.block("A", []);
  assert.deepEqual(take(), []);
  filter.block("B", []);
  assert.deepEqual(take(), ["delete-elements2"]);
});

test("a VMAC's IGMP reports have rules of their own in the same table", () => {
  const { filter, take, transactions } = bench();
  filter.redirectIgmp([{ vmac: "vrrp.51", base: "eth0" }]);
  const [first] = transactions;
  const last = first?.at(-1);
  assert.ok(last?.kind === "elements");
  assert.deepEqual(last.elements[0]?.key, Buffer.from([9, 0, 0, 0]));
  assert.deepEqual(last.elements[0]?.value, Buffer.from([2, 0, 0, 0]));
  take();
  filter.block("A", [at("192.0.2.100")]);
  assert.deepEqual(take(), ["set2 chain2 rule2 elements2"], "the table is there");
  filter.redirectIgmp([{ vmac: "vrrp.51", base: "eth0" }]);
  assert.deepEqual(take(), []);
});

test("a VMAC's MLD reports, and answers for the address that it shares, have rules of their own", async () => {
  const { filter, take, transactions } = bench();
  filter.redirectMld({ vmac: "vrrp.51", base: "eth0", shared: "fe80::1" });
  const elements = transactions[0]?.flatMap((each) => (each.kind === "elements" ? [each] : [])) ?? [];
  const places = elements.map(({ set, elements: [one] }) => `${set} ${Buffer.from(one?.key ?? []).toString("hex")}`);
  assert.deepEqual(places, [
    "mld-report 8f",
    "vmac_map 09000000",
    "parent_link_local fe80000000000000000000000000000109000000",
  ]);
  assert.deepEqual(take(), ["table10 delete-table10 set10 elements10 chain10 rule10"]);
  filter.redirectMld({ vmac: "vrrp.51", base: "eth0", shared: "fe80::1" });
  filter.redirectMld({ vmac: "not-there", base: "eth0", shared: undefined });
  assert.deepEqual(take(), [], "nothing new");
  filter.forgetMld("vrrp.51");
  assert.deepEqual(take(), ["delete-elements10"]);
  await filter.remove();
  assert.deepEqual(take(), ["table10 delete-table10"]);
});

test("a kernel that refuses the rules for MLD is told of once, however many VMACs there are", async () => {
  const { filter, take, lines } = bench(95);
  filter.redirectMld({ vmac: "vrrp.51", base: "eth0", shared: undefined });
  filter.redirectMld({ vmac: "eth0", base: "eth0", shared: undefined });
  await nextTurn();
  take();
  filter.redirectMld({ vmac: "vrrp.51", base: "eth0", shared: undefined });
  assert.deepEqual([take(), lines.length], [[], 1]);
});

test("name, priority and counters are those of the configuration", () => {
  const { filter, transactions } = bench();
  const plain = globalConfig();
  const packetFilter = { ...plain.packetFilter, nftables: { table: "mine", priority: -5 }, counters: true };
  filter.configure({ ...plain, packetFilter });
  filter.block("A", [at("192.0.2.100")]);
  const changes = transactions[0] ?? [];
  assert.deepEqual(new Set(changes.map(({ table }) => table)), new Set(["mine"]));
  const hooks = changes.flatMap((c) => (c.kind === "chain" ? [c.hook?.priority] : []));
  assert.deepEqual(hooks, [-5, -5]);
  for (const c of changes) if (c.kind === "rule") assert.deepEqual(c.steps.at(-2), { do: "counter" });
});

test("a kernel that cannot duplicate packets drops those to the addresses all the same", async () => {
  // What follows in the same turn has no table then.
  const duplicates = (changes: readonly NftChange[]): boolean =>
    changes[0]?.kind === "set" ||
    changes.some((each) => each.kind === "rule" && each.steps.some((step) => step.do === "duplicate"));
  const { filter, take, lines } = bench(95, duplicates);
  filter.redirectIgmp([{ vmac: "vrrp.51", base: "eth0" }]);
  filter.block("A", [at("192.0.2.100")]); // before the kernel's answer is read
  take();
  await nextTurn();
  assert.match(JSON.stringify(lines), /IGMP and MLD reports of VMACs leave with the virtual MAC/);
  assert.deepEqual(take(), ["table2 delete-table2 set2 chain2 rule2 elements2"]);
  assert.equal(lines.length, 1);
  filter.block("A", []);
  assert.deepEqual(take(), ["delete-elements2"]);
});

test("what the kernel refuses is said, with its consequence", async () => {
  const { filter, lines } = bench(95);
  filter.block("VI_1", [at("192.0.2.100")]);
  await nextTurn();
  assert.match(
    JSON.stringify(lines),
    /nftables refuses .* EOPNOTSUPP: packets to the addresses of VI_1 are not dropped; load/,
  );
});

test("a stop does not wait for a kernel without nftables", async () => {
  const { log, lines } = recordingLog();
  const connect = (): never => {
    throw new Error("socket: EPROTONOSUPPORT");
  };
  const filter = new PacketFilter(connect, link, log);
  filter.block("A", [at("192.0.2.100")]);
  assert.match(JSON.stringify(lines), /EPROTONOSUPPORT: packets to the addresses of A are not dropped/);
  await filter.remove();
});

test("tables are removed also after a change was refused", async () => {
  const { filter, take } = bench(2, (changes) => changes.some(({ kind }) => kind === "delete-elements"));
  filter.block("A", [at("192.0.2.100"), at("192.0.2.101")]);
  filter.block("A", [at("192.0.2.100")]); // somebody has flushed the set
  await nextTurn();
  take();
  await filter.remove();
  assert.deepEqual(take(), ["table2 delete-table2"]);
});

test("a table that somebody took away is made again at once; when that is refused too, it is said once", async () => {
  for (const { refuses, told } of [
    { refuses: (changes: readonly NftChange[]) => changes.some(({ kind }) => kind === "delete-elements"), told: 0 },
    { refuses: () => true, told: 1 },
  ]) {
    const { filter, take, lines } = bench(2, refuses);
    filter.block("A", [at("192.0.2.100"), at("192.0.2.101")]);
    filter.block("A", [at("192.0.2.100")]);
    take();
    for (let i = 0; i < 5; i++) await nextTurn();
    assert.deepEqual(take(), ["table2 delete-table2 set2 chain2 rule2 elements2"]);
    assert.equal(lines.length, told);
  }
});

test("a change after a refused one brings all that is wanted, of every owner", async () => {
  const { filter, transactions } = bench(95, (changes) => changes.some(({ kind }) => kind === "delete-elements"));
  filter.block("A", [at("192.0.2.100"), at("192.0.2.101")]);
  filter.block("A", [at("192.0.2.100")]);
  await nextTurn();
  filter.block("B", [at("192.0.2.102")]);
  const last = transactions.at(-1) ?? [];
  assert.equal(last[0]?.kind, "table");
  const hosts = last.flatMap((each) => (each.kind === "elements" ? each.elements.map(({ key }) => key[3]) : []));
  assert.deepEqual(hosts, [100, 102]);
});

test("thousands of addresses go in several transactions, each of a size that the kernel takes", () => {
  const { filter, transactions } = bench();
  filter.block(
    "A",
    Array.from({ length: 5000 }, (_, i) => at(`2001:db8::${i.toString(16)}`)),
  );
  const elements = transactions.flat().filter(({ kind }) => kind === "elements");
  assert.equal(elements.length, 5001, "and the types of neighbour discovery");
  for (const [i, changes] of transactions.entries()) {
    const writer = new MessageWriter();
    writeTransaction(writer, changes, i + 1);
    assert.ok(writer.length < 200 * 1024, `${writer.length} octets`);
  }
});

test("1,500 instances with 20 addresses each are blocked within moments", () => {
  const { filter } = bench();
  const started = threadCpuTime();
  for (let i = 0; i < 1500; i++) {
    const addresses = Array.from({ length: 20 }, (_, j) => at(`10.${i >> 8}.${i & 255}.${j}`));
    filter.block(`VI_${i}`, addresses);
  }
  assert.ok(threadCpuTime() - started < 5000, "quadratic: a minute");
});

test("a transaction is framed, and only its last change asks for an answer", () => {
  const writer = new MessageWriter();
  writeTransaction(
    writer,
    [
      { kind: "table", family: 2, table: "t" },
      { kind: "delete-table", family: 2, table: "t" },
    ],
    7,
  );
  const all = [...messages(Buffer.from(writer.bytes()))];
  assert.deepEqual(
    all.map(({ type, flags }) => [type, flags]),
    [
      [0x10, 1],
      [0xa00, 0x401],
      [0xa02, 5],
      [0x11, 1],
    ],
  );
  assert.deepEqual(new Set(all.map(({ sequence }) => sequence)), new Set([7]));
  assert.deepEqual([...(all[0]?.payload ?? [])], [0, 0, 0, 10], "res_id is the subsystem, in network order");
});
