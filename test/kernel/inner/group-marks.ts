// Inside the guest: nftables_ipvs, first with keepalived, then with holdfast. Its kernel has no nftables for IP (CONFIG_NF_TABLES_IPV4
// and _IPV6 are not set): that our table marks packets is shown by netns/group-marks and netns/marks-kept; here iptables marks them.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { Cluster, directorDevice, vip, webAddress, webNames } from "../../harness/cluster.js";
import { holdfast, keepalived } from "../../harness/daemon.js";
import { loadIpvs, savedTable } from "../../harness/ipvs.js";
import { until } from "../../harness/until.js";
import { groupMarkSteps } from "../steps.js";
import { Results } from "./results.js";

/** DR; another group before it in the second file, which must not take its mark. */
const config = (range: string, more = ""): string => `global_defs {
  nftables_ipvs
  nftables_counters
}
${more}
virtual_server_group web {
  ${range} 80
}
virtual_server group web {
  lb_algo rr
  lb_kind DR
  protocol TCP
${webNames.map((web) => `  real_server ${webAddress[web]} {\n  }`).join("\n")}
}
`;
const other = `virtual_server_group aaa {
  192.168.92.1 80
}
virtual_server group aaa {
  lb_algo rr
  lb_kind DR
  protocol TCP
  real_server ${webAddress.web1} {
  }
}`;

const results = new Results();
await using cluster = await Cluster.create();
const director = cluster.host("director1");
await loadIpvs(director);
const services = async (): Promise<readonly string[]> =>
  (await savedTable(director)).filter((line) => line.startsWith("-A"));

const reference = await director.start(keepalived, config("192.168.91.188-190"), ["--check"]);
await until("keepalived's table", 60_000, async () => (await savedTable(director)).length === 3, 100);
const expected = await savedTable(director);
console.log(expected.join("\n"));
await reference.stop();

const daemon = await director.start(holdfast("kernel"), config("192.168.91.188-190"), ["--check"]);
await results.step(groupMarkSteps.equal, async () => {
  await until("equal tables", 90_000, async () => (await savedTable(director)).join() === expected.join(), 100).catch(
    () => undefined,
  );
  assert.deepEqual(await savedTable(director), expected, await daemon.log());
  return expected.join("; ");
});
await results.step(groupMarkSteps.traffic, async () => {
  for (const last of [189, 190, 191]) {
    for (const [host, device] of [
      ...webNames.map((web) => [cluster.host(web), "lo"] as const),
      [director, directorDevice] as const,
    ])
      await host.exec(["ip", "addr", "add", `192.168.91.${last}/32`, "dev", device]);
  }
  await director.exec(["ip", "addr", "add", `${vip}/32`, "dev", directorDevice]);
  for (const web of webNames) await cluster.startWeb(web);
  const [range, mark] = ["192.168.91.188-192.168.91.190", ["-j", "MARK", "--set-mark", "1000"]];
  const rule = ["PREROUTING", "-p", "tcp", "--dport", "80", "-m", "iprange", "--dst-range", range, ...mark];
  await director.exec(["iptables-legacy", "-t", "mangle", "-A", ...rule]);
  const answers: string[] = [];
  for (const last of [188, 189, 190, 191])
    for (const _ of webNames) answers.push(`${last} ${await cluster.request(`192.168.91.${last}`, 10)}`);
  await director.exec(["iptables-legacy", "-t", "mangle", "-D", ...rule]);
  const sorted = answers.sort((a, b) => (a < b ? -1 : 1));
  const both = [188, 189, 190].flatMap((last) => webNames.map((web) => `${last} ${web}`));
  assert.deepEqual(sorted, [...both, "191 undefined", "191 undefined"], await daemon.log());
  const without = await cluster.request("192.168.91.189");
  assert.equal(without, undefined, "without the rule");
  return sorted.join("; ");
});
await results.step(groupMarkSteps.reload, async () => {
  await writeFile(daemon.files.config, config("192.168.91.188-189", other));
  daemon.signal("SIGHUP");
  // Two servers of the one group, one of the other: a service may be there before its servers.
  await until("two services, whole", 60_000, async () => (await savedTable(director)).length === 5, 100).catch(
    async () => assert.fail(await daemon.log()),
  );
  assert.deepEqual(await services(), ["-A -f 1000 -s rr", "-A -f 1001 -s rr"]);
  assert.deepEqual((await savedTable(director)).slice(2, 4), expected.slice(1), "the group has its mark still");
  return (await savedTable(director)).join("; ");
});
await results.step(groupMarkSteps.crash, async () => {
  await until("the spare waits", 90_000, () => daemon.sparePid !== undefined, 100);
  const before = await savedTable(director);
  daemon.signalNode("SIGKILL");
  const tookOver = async (): Promise<boolean> => {
    const [, after] = (await daemon.log()).split("taking over with the state");
    return after?.includes("Startup complete") === true;
  };
  await until("the next daemon is ready", 60_000, tookOver, 100);
  assert.deepEqual(await savedTable(director), before);
  return before.join("; ");
});
await results.step(groupMarkSteps.stopped, async () => {
  await daemon.stop();
  assert.deepEqual(await savedTable(director), []);
  return "";
});
