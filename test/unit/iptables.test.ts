import assert from "node:assert/strict";
import { test } from "node:test";
import { FilterChoice } from "../../main/network/filter-choice.js";
import type { HostFilter } from "../../main/network/host-filter.js";
import { IptablesFilter, type ToolResult } from "../../main/network/iptables.js";
import { globalConfig } from "../harness/config-fixtures.js";
import { recordingLog } from "./notify-support.js";

/** iptables in words; test/netns/iptables.test.ts has it in the kernel. */

const good: ToolResult = { code: 0, output: "", errors: "" };

function bench(answer: (argv: readonly string[]) => Partial<ToolResult> = () => ({})) {
  const { log, lines } = recordingLog();
  const runs: string[] = [];
  const filter = new IptablesFilter(
    async (argv, input) => {
      runs.push([argv.join(" "), ...input.split("\n").filter((line) => line.startsWith("-"))].join("\n"));
      await new Promise((resolve) => setImmediate(resolve));
      return { ...good, ...answer(argv) };
    },
    log,
    "0123abcd",
  );
  const settle = async (): Promise<readonly string[]> => {
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
    return runs.splice(0);
  };
  return { filter, lines, settle };
}

const at = (address: string) => ({ address, on: "eth0" });
const mark = "-m comment --comment holdfast-0123abcd";

test("what changes in one turn is one process, after a look at what a dead daemon left", async () => {
  const left = `-A INPUT -d 192.0.2.9/32 ${mark} -j DROP`;
  const foreign = `-A INPUT -d 192.0.2.9/32 ${mark}-of-others -j DROP`;
  const beside = "-A INPUT -d 192.0.2.9/32 -m comment --comment holdfast-4567abcd -j DROP";
  const { filter, settle } = bench(([command]) => ({
    output: command === "iptables-save" ? `*filter\n${left}\n${foreign}\n${beside}\n` : "",
  }));
  filter.block("A", [at("192.0.2.100")]);
  filter.block("B", [at("192.0.2.101"), at("192.0.2.100")]);
  assert.deepEqual(await settle(), [
    "iptables-save -t filter",
    [
      "iptables-restore -w --noflush",
      left.replace("-A", "-D"),
      `-I INPUT -d 192.0.2.100/32 ${mark} -j DROP`,
      `-I OUTPUT -s 192.0.2.100/32 ${mark} -j DROP`,
      `-I INPUT -d 192.0.2.101/32 ${mark} -j DROP`,
      `-I OUTPUT -s 192.0.2.101/32 ${mark} -j DROP`,
    ].join("\n"),
  ]);
  filter.block("A", []); // B wants it too
  assert.deepEqual(await settle(), []);
  await filter.remove();
  assert.match((await settle()).join(), /-D INPUT -d 192\.0\.2\.101.*-D INPUT -d 192\.0\.2\.100/s);
});

test("IPv6: neighbours find the address; a link-local one is blocked on its interface; chains as configured", async () => {
  const { filter, settle } = bench();
  filter.configure({ vrrpIptables: { inChain: "KA", outChain: undefined } });
  filter.block("A", [at("fe80::1")]);
  const match = "KA -d fe80::1/128 -i eth0";
  assert.deepEqual((await settle())[1]?.split("\n"), [
    "ip6tables-restore -w --noflush",
    `-I ${match} ${mark} -j DROP`,
    `-I ${match} -p ipv6-icmp -m icmp6 --icmpv6-type 135 ${mark} -j ACCEPT`,
    `-I ${match} -p ipv6-icmp -m icmp6 --icmpv6-type 136 ${mark} -j ACCEPT`,
  ]);
});

test("what fails is said, with what to look at", async () => {
  const { filter, lines, settle } = bench(([command = ""]) =>
    command.endsWith("restore") ? { code: 2, errors: "iptables-restore: line 3 failed\n" } : {},
  );
  filter.block("A", [at("192.0.2.100")]);
  await settle();
  assert.match(lines[0]?.sentence ?? "", /exit code 2\): iptables-restore: line 3 failed: packets .* iptables -S$/);
});

for (const { name, asked, nft, version, want } of [
  { name: "the usual", asked: false, nft: true, version: "iptables v1.8.9 (legacy)", want: "nftables" },
  { name: "asked for", asked: true, nft: true, version: "iptables v1.8.9 (legacy)", want: "iptables" },
  { name: "asked for, but it is nftables", asked: true, nft: true, version: "v1.8.9 (nf_tables)", want: "nftables" },
  { name: "asked for, but not there", asked: true, nft: true, version: undefined, want: "nftables" },
  { name: "a kernel without nftables", asked: false, nft: false, version: "iptables v1.6.1", want: "iptables" },
  { name: "a host with neither", asked: false, nft: false, version: undefined, want: "nftables" },
]) {
  test(`which filter: ${name}`, async () => {
    const { log } = recordingLog();
    const used: string[] = [];
    const fake = (kind: string): HostFilter => ({
      configure: () => undefined,
      block: () => void used.push(kind),
      redirectIgmp: () => undefined,
      redirectMld: () => undefined,
      forgetMld: () => undefined,
      remove: () => Promise.resolve(),
      [Symbol.dispose]: () => undefined,
    });
    const run = () => Promise.resolve({ ...good, code: version === undefined ? 127 : 0, output: version ?? "" });
    const filters = { nftables: fake("nftables"), iptables: fake("iptables") };
    const choice = new FilterChoice({ ...filters, run, hasNftables: () => Promise.resolve(nft), log });
    const config = globalConfig(asked ? { vrrpIptables: { inChain: "INPUT", outChain: "OUTPUT" } } : {});
    await choice.choose(config, false);
    await choice.choose(config, true);
    choice.block("A", []);
    assert.deepEqual(used, [want]);
  });
}
