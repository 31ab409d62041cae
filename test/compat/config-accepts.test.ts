import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createHost } from "../../main/config/host.js";
import { type LoadResult, loadConfig } from "../../main/config/load.js";
import { findingLines, hasErrors, testExitCode } from "../../main/config/report.js";
import { needs } from "../harness/needs.js";

/** What keepalived accepts, we accept: `keepalived -t` and our loader read the same files, in a namespace with ens33. */
const golden = new URL("../../../test/golden/config/", import.meta.url);
const guide = (name: string): string => readFileSync(new URL(name, golden), "utf8").split("\n======== result")[0] ?? "";

const options = { skip: needs("root", "netns", "keepalived"), timeout: 30_000 };
const namespace = `hf-config-${process.pid}`;
const folder = mkdtempSync(join(tmpdir(), "holdfast-accepts-"));

const run = (command: string, ...args: string[]) => spawnSync(command, args, { encoding: "utf8", timeout: 10_000 });

before(() => {
  if (options.skip !== false) return;
  assert.equal(run("ip", "netns", "add", namespace).status, 0);
  run("ip", "-n", namespace, "link", "add", "ens33", "type", "veth", "peer", "name", "eth1");
});

after(() => {
  if (options.skip === false) run("ip", "netns", "del", namespace);
  rmSync(folder, { recursive: true });
});

/** Exit code and messages of `keepalived -t`. */
function reference(file: string): { status: number | null; messages: string } {
  const { status, stderr } = run("ip", "netns", "exec", namespace, "keepalived", "-t", "-f", file);
  return { status, messages: stderr };
}

function ours(file: string): LoadResult {
  const interfaceExists = (name: string): boolean => ["lo", "ens33", "eth1"].includes(name);
  return loadConfig(file, { ...createHost(), interfaceExists });
}

function write(name: string, text: string): string {
  const file = join(folder, `${name.replace(/[^a-z0-9]+/gi, "-")}.conf`);
  writeFileSync(file, text);
  return file;
}

for (const name of ["guide-4.1-global.conf", "guide-4.3-example.conf", "guide-6-script.conf"]) {
  test(`the guide's example ${name} loads, with messages of the class that keepalived has for it`, options, () => {
    const file = write(name, guide(name));
    const result = ours(file);
    assert.equal(hasErrors(result), false, findingLines(result.diagnostics).join("\n"));
    assert.equal(testExitCode(result), reference(file).status);
  });
}

const instance = (lines: string): string =>
  `vrrp_instance A {\n interface ens33\n virtual_router_id 1\n virtual_ipaddress {\n 10.0.0.1\n }\n${lines}\n}\n`;
const service = (lines: string, server = ""): string =>
  `virtual_server 10.0.0.1 80 {\nlb_algo rr\nlb_kind DR\nprotocol TCP\n${lines}\nreal_server 10.0.0.2 80 {\n${server}\n}\n}\n`;

const accepted: Readonly<Record<string, string>> = {
  "an empty file": "",
  "a plain instance": instance(""),
  "one-line blocks":
    "global_defs { router_id A }\nvrrp_instance A { interface ens33\nvirtual_router_id 1\nvirtual_ipaddress { 10.0.0.1 } }\n",
  "comments and CRLF": `! head\r\n${instance("priority 90 # why").replaceAll("\n", "\r\n")}`,
  "definitions and conditions": `$IF=ens33\n@nobody nonsense\n${instance("").replace("ens33", `${"$"}{IF}`)}`,
  "addresses with options": instance(
    "virtual_ipaddress_excluded {\n 10.0.0.2/24 brd + dev eth1 label eth1:1\n 10.0.0.3 scope link\n}",
  ),
  authentication: instance("authentication {\n auth_type PASS\n auth_pass 1234\n}"),
  unicast: instance("unicast_src_ip 10.0.0.8\nunicast_peer {\n 10.0.0.9\n}"),
  "version 3 with a short interval": instance("version 3\nadvert_int 0.1"),
  announcements: instance(
    "garp_master_delay 1\ngarp_master_repeat 2\ngarp_master_refresh 60\ngarp_lower_prio_repeat 0",
  ),
  tracking: `vrrp_script c {\n script "/bin/true"\n interval 2\n weight -5\n}\nglobal_defs {\n enable_script_security\n script_user root\n}\n${instance("track_interface {\n eth1 weight 5\n}\ntrack_script {\n c\n}")}`,
  notify: `global_defs {\n enable_script_security\n script_user root\n}\n${instance('notify "/bin/true a"\nnotify_master /bin/true\nsmtp_alert')}`,
  "a notify script that does not exist": instance('notify "/nonexistent/x a"'),
  "a service": service("delay_loop 2.5\npersistence_timeout 50\nquorum 1"),
  "a service with every checker setting": service(
    "alpha\nomega\nquorum_up /nonexistent/x\nsorry_server 10.0.0.9 80\nsorry_server_inhibit\nvirtualhost x",
    "weight 2\ninhibit_on_failure\nTCP_CHECK {\nconnect_port 81\nconnect_timeout 3\nretry 2\ndelay_before_retry 2\nwarmup 3\nbindto 10.0.0.3\n}",
  ),
  "HTTP checks": service(
    "",
    "HTTP_GET {\nurl {\npath /\nstatus_code 200 300-310\n}\nhttp_protocol 1.1\nfast_recovery\n}\nSSL_GET {\nurl {\npath /\ndigest 9b3a0c85a887a256d6939da88aabd8cd\nvirtualhost a\n}\nenable_sni\n}",
  ),
  "a fwmark service": "virtual_server fwmark 5 {\nlb_algo rr\nlb_kind NAT\nreal_server 10.0.0.2 {\n}\n}\n",
  "the same service twice": service("") + service("").replaceAll("10.0.0.2", "10.0.0.3"),
  "keywords that are for later": `global_defs {\n lvs_flush\n max_auto_priority 10\n}\n${instance("garp_extra_if all 60")}`,
};

for (const [name, text] of Object.entries(accepted)) {
  test(`accepted as by keepalived: ${name}`, options, () => {
    const file = write(name, text);
    const want = reference(file);
    assert.equal(want.status, 0, `keepalived itself objects: ${want.messages}`);
    const result = ours(file);
    assert.deepEqual(
      [testExitCode(result), hasErrors(result)],
      [0, false],
      findingLines(result.diagnostics).join("\n"),
    );
  });
}

const refused: Readonly<Record<string, string>> = {
  "an unknown keyword": instance("foo_bar 3"),
  "a bad priority": instance("priority 300"),
  "a missing value": instance("priority"),
  "a missing VRID": instance("").replace("virtual_router_id 1", ""),
  "a missing brace": instance("").replace(/\}\n$/, ""),
  "an extra brace": `${instance("")}}\n`,
  "a script without script security": instance("notify /bin/true"),
  "a required include that is missing": "includem none.conf\n",
  "a service without servers": "virtual_server 10.0.0.1 80 {\n}\n",
  "a missing interface": instance("").replace("ens33", "nix0"),
  "strict mode with authentication": `global_defs {\n vrrp_strict\n}\n${instance("authentication {\n auth_type PASS\n auth_pass 1\n}")}`,
};

for (const [name, text] of Object.entries(refused)) {
  test(`-t ends as keepalived's: ${name}`, options, () => {
    const file = write(name, text);
    assert.equal(testExitCode(ours(file)), reference(file).status, findingLines(ours(file).diagnostics).join("\n"));
  });
}
