import assert from "node:assert/strict";
import { test } from "node:test";
import type { Config } from "../../main/config/model.js";
import { GroupMarks } from "../../main/control/group-marks.js";
import { LastingState } from "../../main/control/lasting-state.js";
import { StateSlab } from "../../main/control/state-slab.js";
import { IpvsMarks } from "../../main/network/ipvs-marks.js";
import type { NftChange } from "../../main/network/nft-codec.js";
import { load } from "./config-fake-host.js";
import { recordingLog } from "./notify-support.js";

const config = (groups: Readonly<Record<string, string>>, globals = "nftables_ipvs"): Config => {
  const text = Object.entries(groups).map(
    ([name, entries]) => `virtual_server_group ${name} {\n${entries}\n}
virtual_server group ${name} {\nlb_algo rr\nlb_kind DR\nprotocol TCP\nreal_server 10.0.0.1 {\n}\n}\n`,
  );
  const { config: read } = load(`global_defs {\n${globals}\n}\n${text.join("")}`);
  assert.ok(read);
  return read;
};

function kernel(refuse: (changes: readonly NftChange[]) => number = () => 0) {
  const sent: NftChange[] = [];
  const { log, lines } = recordingLog();
  const commit = (changes: readonly NftChange[], done: (verdict: { errno: number; reason: string }) => void): void => {
    const errno = refuse(changes);
    if (errno === 0) sent.push(...changes);
    setImmediate(() => done({ errno, reason: "" }));
  };
  const marks = new IpvsMarks(() => ({ commit, [Symbol.dispose]: () => undefined }), log);
  /** Elements added and removed since the last call. */
  const news = (): readonly string[] =>
    sent.splice(0).flatMap((change) => {
      if (change.kind !== "elements" && change.kind !== "delete-elements") return [];
      const sign = change.kind === "elements" ? "+" : "-";
      return change.elements.map(
        ({ key }) => `${sign}${[...key.subarray(0, 4)].join(".")}:${(key[4] ?? 0) * 256 + (key[5] ?? 0)}`,
      );
    });
  return { marks, news, lines };
}

const lasting = (): LastingState => new LastingState(new StateSlab(Buffer.alloc(64 * 1024)));

test("a group has the same mark after a reload that puts another before it, and after a crash", () => {
  const state = lasting();
  const { marks: table } = kernel();
  const marks = new GroupMarks(state.groupMarks, () => table);
  assert.equal(marks.configure(config({ web: "192.0.2.1 80" })), true);
  assert.equal(marks.markOf("web", "TCP"), 1000);
  assert.equal(marks.configure(config({ aaa: "192.0.2.9 80", web: "192.0.2.1-2 80" })), true);
  assert.deepEqual([marks.markOf("aaa", "TCP"), marks.markOf("web", "TCP")], [1001, 1000]);
  const next = new GroupMarks(state.groupMarks, () => table);
  next.configure(config({ new: "192.0.2.11 80", aaa: "192.0.2.9 80", web: "192.0.2.1 80" }));
  assert.deepEqual(
    ["new", "aaa", "web"].map((group) => next.markOf(group, "TCP")),
    [1002, 1001, 1000],
  );
});

test("marks that the file uses are left alone; groups with marks or all ports have services of their own", () => {
  const marks = new GroupMarks(lasting().groupMarks, () => kernel().marks);
  marks.configure(
    config({ a: "fwmark 7", b: "192.0.2.1", c: "192.0.2.2 80" }, "nftables_ipvs\nnftables_ipvs_start_fwmark 7"),
  );
  assert.deepEqual(
    ["a", "b", "c"].map((group) => marks.markOf(group, "TCP")),
    [undefined, undefined, 8],
  );
  assert.equal(marks.configure(config({ c: "192.0.2.2 80" }, "")), true);
  assert.equal(marks.markOf("c", "TCP"), undefined, "without the keyword none");
});

test("a reload writes the addresses that come and go only", async () => {
  const { marks: table, news } = kernel();
  const marks = new GroupMarks(lasting().groupMarks, () => table);
  const take = async (to: Config): Promise<readonly string[]> => {
    marks.configure(to);
    await marks.write(to);
    return news();
  };
  assert.deepEqual(await take(config({ web: "192.0.2.1-3 80" })), ["+192.0.2.1:80", "+192.0.2.2:80", "+192.0.2.3:80"]);
  assert.deepEqual(await take(config({ web: "192.0.2.2-4 80" })), ["-192.0.2.1:80", "+192.0.2.4:80"]);
  assert.deepEqual(await take(config({ web: "192.0.2.2-4 80" })), []);
});

test("what is refused is said, and made anew the next time", async () => {
  let errno = 2;
  const { marks: table, news, lines } = kernel(() => errno);
  const marks = new GroupMarks(lasting().groupMarks, () => table);
  const web = config({ web: "192.0.2.1 80" });
  marks.configure(web);
  await marks.write(web);
  assert.equal(lines.filter(({ event }) => event === "ipvs.marks-refused").length, 1);
  errno = 0;
  await marks.write(web);
  assert.deepEqual(news(), ["+192.0.2.1:80"]);
});

test("the packet filter of a namespace that was made anew gets all of it", async () => {
  const tables: ReturnType<typeof kernel>[] = [];
  const marks = new GroupMarks(lasting().groupMarks, () => {
    const made = kernel();
    tables.push(made);
    return made.marks;
  });
  const wanted = config({ web: "192.0.2.1-2 80" });
  marks.configure(wanted);
  await marks.writeAnew(wanted);
  await marks.writeAnew(wanted);
  const both = ["+192.0.2.1:80", "+192.0.2.2:80"];
  assert.deepEqual(
    tables.map(({ news }) => news()),
    [both, both],
  );
});

test("after the end nothing is written any more, also when the namespace is made anew at the same time", async () => {
  let opened = 0;
  const marks = new GroupMarks(lasting().groupMarks, () => {
    opened += 1;
    return kernel().marks;
  });
  const wanted = config({ web: "192.0.2.1-2 80" });
  marks.configure(wanted);
  await marks.write(wanted);
  await marks.stop(true);
  await marks.writeAnew(wanted);
  await marks.write(wanted);
  assert.equal(opened, 1);
});
