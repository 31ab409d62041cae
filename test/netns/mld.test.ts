import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { holdfast, keepalived } from "../harness/daemon.js";
import { Lan, plainHosts } from "../harness/lan.js";
import { needs } from "../harness/needs.js";
import { until } from "../harness/until.js";
import { linkLocalOf } from "./link-local.js";

/**
 * What the kernel sends by itself for an IPv6 VMAC: switches learn the virtual MAC address from every frame, so none but a master's
 * may carry it.
 */

const VIRTUAL_MAC = "00:00:5e:00:02:33";
const config = (priority: number) => `
vrrp_instance V {
  interface eth0
  virtual_router_id 51
  priority ${priority}
  advert_int 0.1
  use_vmac
  virtual_ipaddress {
    fe80::51:1/64
    2001:db8::51/64
  }
}
`;
const options = { skip: needs("root", "netns", "native", "keepalived", "tcpdump"), timeout: 90_000 };

for (const program of [keepalived, holdfast("memory")]) {
  test(
    `MLD reports and router solicitations do not carry the virtual MAC address: ${program.name}`,
    options,
    async (t) => {
      await using lan = await Lan.create(plainHosts("a", "b"));
      const [a, b] = [lan.host("a"), lan.host("b")];
      await linkLocalOf(b);
      const base = await linkLocalOf(a);
      const file = path.join(lan.dir, "icmp6.txt");
      const filter = "ip6 and not ip6 proto 112";
      await b.spawn(["sh", "-c", `exec tcpdump -l -n -e -i eth0 '${filter}' > ${file} 2> ${file}.err`]);
      await until("tcpdump listens", 20_000, async () =>
        (await readFile(`${file}.err`, "utf8").catch(() => "")).includes("listening on"),
      );
      const daemon = await a.start(program, config(200), ["--vrrp"]);
      const lines = async () => (await readFile(file, "utf8")).split("\n");
      const reports = async () => (await lines()).filter((line) => line.includes("multicast listener report"));
      await until("a is master", 15_000, async () => (await daemon.log()).includes("Entering MASTER STATE"));
      // The kernel reports the groups of the virtual addresses: 10 s at most, RFC 3810 §9.11.
      await until("reports go out", 15_000, async () => (await reports()).length >= 3);
      // Somebody looks for the interface's own link-local address, which the VMAC has too.
      const send = `require("node:dgram").createSocket("udp6").send("x", 9, "${base}%eth0", () => process.exit())`;
      await b.exec([process.execPath, "-e", send]);
      await until("the base answers", 15_000, async () =>
        (await lines()).some((line) => line.includes("neighbor advertisement") && line.includes(`tgt is ${base},`)),
      );
      const carried = async () => (await lines()).slice(0, -1).filter((line) => line.includes(` ${VIRTUAL_MAC} > `));
      await until("the addresses are announced", 15_000, async () => (await carried()).length > 0);
      const virtual = await carried();
      t.diagnostic(`${(await reports()).length} reports, ${virtual.length} frames with the virtual MAC address`);
      // fe80::51:1 and 2001:db8::51 are announced with it, and nothing else is.
      // Announced with it; keepalived 2.2.7 answers with it for the base too, 2.4.3 does not.
      const may = ["fe80::51:1", "2001:db8::51", ...(program === keepalived ? [base] : [])];
      const own = virtual.filter(
        (line) => !may.some((each) => line.includes(`neighbor advertisement, tgt is ${each},`)),
      );
      assert.deepEqual(own, []);
      if (program !== keepalived)
        assert.match(await b.exec(["ip", "-6", "neigh", "show", base]), new RegExp(await a.mac()));
    },
  );
}

for (const program of [keepalived, holdfast("memory")]) {
  test(`disable_local_igmp: off while the daemon runs, as before afterwards: ${program.name}`, options, async () => {
    await using lan = await Lan.create(plainHosts("a"));
    const a = lan.host("a");
    const setting = async () => (await a.exec(["cat", "/proc/sys/net/ipv4/igmp_link_local_mcast_reports"])).trim();
    assert.equal(await setting(), "1");
    const daemon = await a.start(program, `global_defs {\n  disable_local_igmp\n}\n${config(200)}`, ["--vrrp"]);
    await until("it is off", 10_000, async () => (await setting()) === "0");
    await until("it runs", 10_000, async () => (await daemon.log()).includes("BACKUP STATE"));
    await daemon.stop();
    assert.equal(await setting(), "1");
  });
}
