import assert from "node:assert/strict";
import { test } from "node:test";
import type { Config } from "../../main/config/model.js";
import { checkData } from "../../main/observe/check-data.js";
import type { CheckerDump, ServiceDump } from "../../main/observe/checker-dump.js";
import { load } from "./config-fake-host.js";
import { realServer, virtualServer } from "./health-fixtures.js";
import { global } from "./observe-fixtures.js";

/** keepalived_check.data beside a real one is netns/check-data; here is what a shell can be made to say without a daemon. */

const file = `SSL {
 password secret
 ca /etc/ca.pem
}
virtual_server_group web {
 10.9.0.5 80
 10.9.0.6-8 80
 fwmark 5 inet
}
virtual_server 10.9.0.1 80 {
 delay_loop 2
 lb_algo rr
 lb_kind DR
 protocol TCP
 persistence_timeout 50
 sorry_server 10.9.0.201 80
 real_server 10.9.0.200 80 {
  weight 3
  inhibit_on_failure
  TCP_CHECK {
  }
 }
}
virtual_server group web {
 lb_algo sh
 sh-port
 lb_kind NAT
 protocol TCP
 real_server 10.9.0.200 80 {
  MISC_CHECK {
   misc_path "/usr/bin/check a"
   misc_dynamic
  }
 }
}
`;

function dumpOf(config: Config, over: Partial<CheckerDump> = {}): CheckerDump {
  return {
    tls: config.checkerTls,
    groups: config.virtualServerGroups,
    inKernel: true,
    trackFiles: [],
    bfds: [],
    services: () => config.virtualServers.map(serviceOf),
    ...over,
  };
}

/** The first server is down; the check of every other one adds 4. */
const serviceOf = (config: Config["virtualServers"][number], place: number): ServiceDump => ({
  config,
  name: place === 0 ? "[10.9.0.1]:tcp:80" : "[web]:0",
  quorumUp: place > 0,
  rests: false,
  realServers: config.realServers.map((server) => ({
    config: server,
    name: "[10.9.0.200]:tcp:80",
    alive: place > 0,
    failed: place > 0 ? 0 : 1,
    inPool: true,
    checks: server.checks.map(() => ({ up: place > 0, hasRun: true, delta: place * 4, lastStatus: 7 })),
  })),
});

const textOf = (dump: CheckerDump): string => [...checkData(global, dump)].join("");

test("the lines that tools look for, in keepalived's order", () => {
  const { config } = load(file);
  assert.ok(config !== undefined);
  const text = textOf(dumpOf(config));
  const wanted = [
    "------< SSL definitions >------",
    " CA-file : /etc/ca.pem",
    "------< LVS Topology >------",
    " ------< Virtual server group >------",
    " Virtual Server Group = web, IPv4 = yes, IPv6 = no",
    "   VIP Range = 10.9.0.6-10.9.0.8, VPORT = 80",
    "     Alive: 1 tcp, 0 udp, 0 sctp",
    "   FWMARK = 5 IPv4",
    " ------< Virtual server >------",
    " VS VIP = 10.9.0.1, VPORT = 80",
    "   lvs_sched = rr",
    "   persistence timeout = 50",
    "   protocol = TCP",
    "   sorry server = [10.9.0.201]:tcp:80",
    "   quorum_state_up = 0",
    "   ------< Real server >------",
    "   RIP = 10.9.0.200, RPORT = 80, WEIGHT = 3 EFF WEIGHT = 3",
    "   alive = 0",
    "   num failed checkers = 1",
    "   RS set = 1",
    " VS GROUP = [web]:0",
    "   sh-port = enabled",
    "   RIP = 10.9.0.200, RPORT = 80, WEIGHT = 5 EFF WEIGHT = 5",
    "------< Health checkers >------",
    " [10.9.0.1]:tcp:80 -> [10.9.0.200]:tcp:80",
    "   Up = no",
    "     Dest = [10.9.0.200]:80",
    "   Keepalive method = TCP_CHECK",
    " [web]:0 -> [10.9.0.200]:tcp:80",
    "   Up = yes",
    "   Current weight = 4",
    "   Keepalive method = MISC_CHECK",
    "   script = '/usr/bin/check' 'a'",
    "   dynamic = YES",
    "   Last status = 7",
  ];
  let at = 0;
  for (const line of wanted) {
    const found = text.indexOf(`${line}\n`, at);
    assert.ok(found >= 0, `${line}, after\n${text.slice(0, at).split("\n").slice(-4).join("\n")}`);
    at = found + line.length;
  }
  assert.doesNotMatch(text, /secret/);
});

test("alpha: what a real server says itself, else its virtual server", () => {
  const server = (words: string): string => ` real_server 10.9.0.200 80 {\n ${words}\n }\n`;
  const rows = [
    ["", "", "OFF"],
    ["", "alpha", "ON"],
    ["alpha", "", "ON"],
    ["alpha", "alpha off", "OFF"],
  ] as const;
  for (const [ofService, ofServer, want] of rows) {
    const { config } = load(`virtual_server 10.9.0.1 80 {\n lb_kind NAT\n ${ofService}\n${server(ofServer)}}\n`);
    assert.ok(config !== undefined);
    assert.match(textOf(dumpOf(config)), new RegExp(`^   Alpha is ${want}$`, "m"), `${ofService}, ${ofServer}`);
  }
});

test("without IPVS nothing is in the kernel, and what there is none of has no title", () => {
  const { config } = load("");
  assert.ok(config !== undefined);
  const services = (): ServiceDump[] => [serviceOf(virtualServer({ realServers: [] }), 0)];
  const text = textOf(dumpOf(config, { inKernel: false, services }));
  assert.match(text, /^ {3}alive = 0$/m);
  assert.doesNotMatch(text.slice(text.indexOf("------< LVS Topology")), /Health checkers|group|Checker/);
});

test("a piece is a server or a check, however large the farm: others get their turn in between", () => {
  const { config } = load("");
  assert.ok(config !== undefined);
  const realServers = Array.from({ length: 3000 }, () => realServer());
  let walked = 0;
  const services = function* (): Generator<ServiceDump> {
    const service = serviceOf(virtualServer({ realServers }), 0);
    const counted = function* () {
      for (const server of service.realServers) {
        walked += 1;
        yield server;
      }
    };
    yield { ...service, realServers: counted() };
  };
  let before = 0;
  for (const piece of checkData(global, dumpOf(config, { services }))) {
    assert.ok(piece.length < 5000, `a piece of ${piece.length} characters`);
    assert.ok(walked - before <= 1, `${walked - before} servers in one step`);
    before = walked;
  }
  assert.ok(walked >= 2 * realServers.length);
});
