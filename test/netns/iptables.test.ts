import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { holdfast } from "../harness/daemon.js";
import { Lan, plainHosts } from "../harness/lan.js";
import { needs } from "../harness/needs.js";
import { until } from "../harness/until.js";

/** vrrp_iptables in the kernel, with the iptables that is not nftables in disguise. */

/** Where `iptables` is what Debian calls `iptables-legacy`; undefined where there is none. */
function legacyTools(): string | undefined {
  try {
    const dir = mkdtempSync(path.join(tmpdir(), "holdfast-iptables-"));
    for (const family of ["iptables", "ip6tables"]) {
      for (const end of ["", "-save", "-restore"]) {
        const program = execFileSync("which", [`${family}-legacy${end}`], { encoding: "utf8" }).trim();
        symlinkSync(program, path.join(dir, `${family}${end}`));
      }
    }
    return dir;
  } catch {
    return undefined;
  }
}

const tools = legacyTools();
after(() => {
  if (tools !== undefined) rmSync(tools, { recursive: true });
});
const skip = needs("root", "netns", "native") || (tools === undefined ? "no iptables-legacy" : false);
const SOON = 30_000;
const server = `require("net").createServer((s) => s.end()).listen(8080)`;
const client = `const s = require("net").connect(8080, process.argv[1], () => process.exit(0)); s.setTimeout(3000, () => process.exit(1)); s.on("error", () => process.exit(2))`;

const text = `global_defs {
  vrrp_iptables KA_IN KA_OUT
}
vrrp_instance V1 {
  interface eth0
  virtual_router_id 51
  version 3
  advert_int 0.1
  no_accept
  virtual_ipaddress {
    192.0.2.100/24
  }
  virtual_ipaddress_excluded {
    fe80::7/64
  }
}
`;

test("vrrp_iptables: rules while it is MASTER, in the chains that are named, and none after it", {
  skip,
  timeout: 120_000,
}, async () => {
  process.env["PATH"] = `${tools}:${process.env["PATH"]}`;
  await using lan = await Lan.create(plainHosts("a", "b"));
  const [a, b] = [lan.host("a"), lan.host("b")];
  for (const command of ["iptables", "ip6tables"]) {
    for (const [chain, from] of [
      ["KA_IN", "INPUT"],
      ["KA_OUT", "OUTPUT"],
    ] as const) {
      await a.exec([command, "-w", "-N", chain]);
      await a.exec([command, "-w", "-A", from, "-j", chain]);
    }
  }
  const rules = async (command: string, chain: string) =>
    (await a.exec([command, "-w", "-S", chain])).split("\n").filter((line) => line.startsWith("-A"));
  const reaches = async (address: string) => (await b.attempt([process.execPath, "-e", client, address])).code === 0;
  await a.spawn([process.execPath, "-e", server]);
  await until("the server listens", SOON, () => reaches("192.0.2.1"));
  const daemon = await a.start(holdfast("memory"), text, ["--vrrp"]);
  await until("it is master", SOON, () => a.hasAddress("192.0.2.100"));
  await until("rules are there", SOON, async () => (await rules("ip6tables", "KA_OUT")).length === 3);
  await until("so they are for IPv4", SOON, async () => (await rules("iptables", "KA_IN")).length === 1);
  const [rule = ""] = await rules("iptables", "KA_IN");
  assert.match(rule, /^-A KA_IN -d 192\.0\.2\.100\/32 -m comment --comment holdfast-[0-9a-f]{8} -j DROP$/);
  assert.match((await rules("ip6tables", "KA_IN"))[2] ?? "", /-d fe80::7\/128 -i eth0 .*-j DROP/);
  assert.equal(await reaches("192.0.2.100"), false);
  assert.equal(await reaches("192.0.2.1"), true);
  await until("the spare waits", 20_000, () => daemon.sparePid !== undefined);
  daemon.signalNode("SIGKILL");
  await until("the next one runs", SOON, async () => (await daemon.log()).split("Startup complete").length > 2);
  await until("it is master again", SOON, () => a.hasAddress("192.0.2.100"));
  const once = async () => (await rules("iptables", "KA_IN")).length === 1 && !(await reaches("192.0.2.100"));
  await until("its rules are there once", SOON, once);
  const second = await a.start(holdfast("memory"), text.replace("51", "52").replaceAll(".100", ".101"), ["--vrrp"]);
  const both = async () => (await rules("iptables", "KA_IN")).length === 2;
  await until("another daemon beside it has its own, and leaves these alone", SOON, both);
  await second.stop();
  assert.deepEqual(await rules("iptables", "KA_IN"), [rule]);
  await daemon.stop();
  for (const command of ["iptables", "ip6tables"])
    for (const chain of ["KA_IN", "KA_OUT"]) assert.deepEqual(await rules(command, chain), []);
});
