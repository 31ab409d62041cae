import assert from "node:assert/strict";
import { test } from "node:test";
import { openSocketIn } from "../../main/ipvs/namespace.js";
import type { MarkedAddress } from "../../main/network/ipvs-mark-rules.js";
import { IpvsMarks } from "../../main/network/ipvs-marks.js";
import { NftConnection } from "../../main/network/nft-connection.js";
import { Lan, plainHosts } from "../harness/lan.js";
import { needs } from "../harness/needs.js";
import { until } from "../harness/until.js";
import { recordingLog } from "../unit/notify-support.js";

/**
 * The table of nftables_ipvs in the kernel. A mark is seen by this: a TCP connection takes the mark of its first packet
 * (tcp_fwmark_accept, ip-sysctl), and a rule sends answers with that mark nowhere.
 */
const skip = needs("root", "netns", "native");
const server = `require("net").createServer((s) => s.end()).listen(8080, "::")`;
const client = `const s = require("net").connect(8080, process.argv[1], () => process.exit(0)); s.setTimeout(3000, () => process.exit(1)); s.on("error", () => process.exit(2))`;
const MARK = 0x12345678;

test("packets to the addresses and ports of a group get its mark, in both families, and no others", {
  skip,
  timeout: 120_000,
}, async () => {
  await using lan = await Lan.create(plainHosts("a", "b"));
  const [a, b] = [lan.host("a"), lan.host("b")];
  const all = ["192.0.2.201", "192.0.2.202", "2001:db8::201", "2001:db8::202"] as const;
  for (const address of all) {
    const [length, nodad] = address.includes(":") ? ["64", ["nodad"]] : ["24", []];
    await a.exec(["ip", "addr", "add", `${address}/${length}`, "dev", "eth0", ...nodad]);
  }
  await b.exec(["ip", "addr", "add", "2001:db8::9/64", "dev", "eth0", "nodad"]);
  await b.exec(["ip", "addr", "replace", "192.0.2.9/24", "dev", "eth0"]);
  await a.sysctl({ "net.ipv4.tcp_fwmark_accept": "1" });
  for (const family of ["-4", "-6"]) await a.exec(["ip", family, "rule", "add", "fwmark", String(MARK), "blackhole"]);
  await a.spawn([process.execPath, "-e", server]);
  const answers = async (address: string): Promise<boolean> =>
    (await b.attempt([process.execPath, "-e", client, address])).code === 0;
  const answering = async (): Promise<readonly string[]> => {
    const answered = await Promise.all(all.map(answers));
    return all.filter((_, i) => answered[i]);
  };
  await until("the server answers", 30_000, () => answers(all[3]));

  const { log, lines } = recordingLog();
  using marks = new IpvsMarks(() => new NftConnection(openSocketIn(`/run/netns/${a.namespace}`)), log);
  const style = { table: "marks_test", priority: -1, counters: true };
  const of = (address: string, port = 8080, protocol: MarkedAddress["protocol"] = "TCP"): MarkedAddress => ({
    ...{ protocol, address, port, mark: MARK },
  });
  const many = Array.from({ length: 1500 }, (_, i) => of(`198.51.${100 + (i >> 8)}.${i & 255}`));
  await marks.set(style, [...many, of(all[0]), of(all[2]), of(all[1], 80), of(all[3], 8080, "UDP")]);
  assert.deepEqual(lines, []);
  assert.deepEqual(await answering(), [all[1], all[3]]);
  await marks.set(style, [of(all[1]), of(all[3])]);
  assert.deepEqual(await answering(), [all[0], all[2]]);
  await marks.set({ ...style, table: "another" }, [of(all[0])]);
  assert.deepEqual(await answering(), [all[1], all[2], all[3]]);
  await marks.remove();
  assert.deepEqual(await answering(), all);
  assert.deepEqual(lines, []);
});
