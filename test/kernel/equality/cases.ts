import {
  both,
  check,
  entries,
  gone,
  grouped,
  head,
  lines,
  nothing,
  plus,
  plusLines,
  reals,
  server,
  server6,
  together,
  web,
  web6,
  webs,
  webs6,
  weights,
  without,
} from "./edits.js";
import type { Edit, Shape } from "./shape.js";

/**
 * Configurations whose table must be that of keepalived through failures, recoveries, a lost quorum, a reload and a stop. All are
 * in one file, each with addresses and marks of its own.
 */
export interface EqualityCase {
  readonly name: string;
  readonly shape: Shape;
  /** What the reload changes. */
  readonly edit: Edit;
  /** Failures do not change the table: there is no check, or it is at rest. */
  readonly steady?: true;
  /** Its first address is one of the director's. */
  readonly local?: true;
  /** What keepalived 2.2.7 does wrong at a reload or because of it; from there on a fresh start of it is what counts. */
  readonly reload?: string;
}

const weighted = (port = "80"): readonly ReturnType<typeof web>[] => [
  web(1, port, "weight 3"),
  web(2, port, "weight 2"),
  web(3, port, "weight 1"),
];
const METHOD = "another method brings servers that are down into the table";
const sorry = "sorry_server 192.168.91.50 80";

const schedulers: readonly EqualityCase[] = [
  { name: "rr", shape: server("lb_algo rr; lb_kind DR; protocol TCP"), edit: weights(1, 5, 2) },
  {
    name: "wrr with weights",
    shape: server("lb_algo wrr; lb_kind DR; protocol TCP", { reals: weighted() }),
    edit: weights(1, 2, 3),
  },
  {
    name: "lc",
    shape: server("lb_algo lc; lb_kind NAT; protocol TCP", { reals: webs("8080") }),
    edit: lines("lb_algo wlc; lb_kind NAT; protocol TCP"),
  },
  { name: "wlc", shape: server("lvs_sched wlc; lvs_method NAT; protocol TCP"), edit: plus(web(1, "8081", "weight 4")) },
  { name: "lblc", shape: server("lb_algo lblc; lb_kind DR; protocol TCP"), edit: without(1) },
  { name: "lblcr", shape: server("lb_algo lblcr; lb_kind DR; protocol TCP", { reals: weighted() }), edit: without(2) },
  {
    name: "dh",
    shape: server("lb_algo dh; lb_kind TUN; protocol TCP"),
    edit: lines("lb_algo dh; lb_kind DR; protocol TCP"),
    reload: METHOD,
  },
  { name: "sh", shape: server("lb_algo sh; lb_kind DR; protocol TCP"), edit: plusLines("sh-port") },
  {
    name: "mh",
    shape: server("lb_algo mh; lb_kind NAT; protocol TCP"),
    edit: lines("lb_algo mh; mh-port; mh-fallback; lb_kind NAT; protocol TCP"),
  },
  {
    name: "sed",
    shape: server("lb_algo sed; lb_kind DR; protocol TCP", { reals: weighted() }),
    edit: weights(3, 2, 9),
  },
  { name: "nq", shape: server("lb_algo nq; lb_kind NAT; protocol TCP"), edit: both(without(1), plus(web(1, "81"))) },
  { name: "fo", shape: server("lb_algo fo; lb_kind DR; protocol TCP", { reals: weighted() }), edit: weights(1, 2, 3) },
  { name: "ovf", shape: server("lb_algo ovf; lb_kind DR; protocol TCP", { reals: weighted() }), edit: gone },
  {
    name: "sh with both flags",
    shape: server("lb_algo sh; sh-port; sh-fallback; lb_kind DR; protocol TCP"),
    edit: lines("lb_algo sh; lb_kind DR; protocol TCP"),
  },
  {
    name: "mh with a flag, in tunnels",
    shape: server("lb_algo mh; mh-port; lb_kind TUN; protocol TCP"),
    edit: weights(2, 2, 2),
  },
  {
    name: "flags by number",
    shape: server("lb_algo sh; flag-1; flag-3; lb_kind DR; protocol TCP"),
    edit: lines("lb_algo sh; flag-2; lb_kind DR; protocol TCP"),
  },
  { name: "no lb_algo and no lb_kind", shape: server("protocol TCP"), edit: plusLines("lb_algo rr") },
];

const protocols: readonly EqualityCase[] = [
  {
    name: "UDP",
    shape: server("lb_algo rr; lb_kind DR; protocol UDP", { head: "%4.1 53", reals: webs("53") }),
    edit: weights(4, 4, 4),
  },
  {
    name: "SCTP",
    shape: server("lb_algo rr; lb_kind NAT; protocol SCTP", { head: "%4.1 36412", reals: webs("36413") }),
    edit: without(2),
  },
  {
    name: "no protocol",
    shape: server("lb_algo rr; lb_kind DR", { head: "%4.1 514", reals: webs("514") }),
    edit: nothing,
  },
  {
    name: "one packet",
    shape: server("lb_algo rr; ops; lb_kind DR; protocol UDP", { head: "%4.1 53", reals: webs("53") }),
    edit: lines("lb_algo rr; lb_kind DR; protocol UDP"),
  },
  {
    name: "TCP and UDP at one address",
    shape: together(
      server("lb_algo rr; lb_kind DR; protocol TCP", { head: "%4.1 53", reals: webs("53") }),
      server("lb_algo wrr; lb_kind NAT; protocol UDP", { head: "%4.1 53", reals: webs("53") }),
    ),
    edit: weights(2, 3, 4),
  },
  {
    name: "all ports",
    shape: server("lb_algo wlc; lb_kind DR; protocol TCP", { head: "%4.1", reals: webs("") }),
    edit: weights(7, 7, 7),
  },
];

const persistence: readonly EqualityCase[] = [
  {
    name: "persistence",
    shape: server("lb_algo wlc; lb_kind NAT; persistence_timeout 60; protocol TCP"),
    edit: lines("lb_algo wlc; lb_kind NAT; persistence_timeout 90; protocol TCP"),
  },
  {
    name: "persistence without a number",
    shape: server("lb_algo wlc; lb_kind DR; persistence_timeout; protocol TCP"),
    edit: lines("lb_algo wlc; lb_kind DR; protocol TCP"),
  },
  {
    name: "granularity",
    shape: server("lb_algo wlc; persistence_granularity 255.255.255.0; lb_kind DR; protocol TCP"),
    edit: lines("lb_algo wlc; persistence_granularity 255.255.0.0; lb_kind DR; protocol TCP"),
  },
  {
    name: "granularity, IPv6",
    shape: server6("lb_algo wlc; persistence_granularity 64; persistence_timeout 70; lb_kind DR; protocol TCP"),
    edit: lines("lb_algo wlc; persistence_granularity 48; persistence_timeout 70; lb_kind DR; protocol TCP"),
  },
  {
    name: "persistence engine",
    shape: server("lb_algo rr; persistence_engine sip; persistence_timeout 60; lb_kind DR; protocol UDP", {
      head: "%4.1 5060",
      reals: webs("5060"),
    }),
    edit: lines("lb_algo rr; persistence_timeout 60; lb_kind DR; protocol UDP"),
  },
];

const tunnels: readonly EqualityCase[] = [
  ["ipip", " type ipip"],
  ["gue", " type gue port 6080"],
  ["gue with csum", " type gue port 6081 csum"],
  ["gue with remcsum", " type gue port 6082 remcsum"],
  ["gre", " type gre"],
  ["gre with csum", " type gre csum"],
].map(([name = "", words = ""], i) => ({
  name: `TUN, ${name}`,
  shape: server(`lb_algo rr; lb_kind TUN${words}; protocol TCP`),
  edit: lines(`lb_algo rr; lb_kind ${["TUN type gre", "TUN type gue port 6090", "NAT"][i % 3] ?? ""}; protocol TCP`),
  reload: METHOD,
}));

const methods: readonly EqualityCase[] = [
  ...tunnels,
  {
    name: "NAT to another port",
    shape: server("lb_algo rr; lb_kind NAT; protocol TCP", { reals: webs("8080") }),
    edit: reals(webs("8081")),
  },
  {
    name: "NAT, IPv6",
    shape: server6("lb_algo rr; lb_kind NAT; protocol TCP", { reals: webs6("8080") }),
    edit: without(2),
  },
  { name: "DR, IPv6", shape: server6("lb_algo rr; lb_kind DR; protocol TCP"), edit: weights(6, 5, 4) },
  {
    name: "TUN, IPv6",
    shape: server6("lb_algo rr; lb_kind TUN; protocol TCP"),
    edit: plusLines("persistence_timeout 30"),
  },
  {
    name: "TUN of gue, IPv6",
    shape: server6("lb_algo rr; lb_kind TUN type gue port 6080; protocol TCP"),
    edit: without(1),
  },
  {
    name: "TUN of gre, IPv6",
    shape: server6("lb_algo rr; lb_kind TUN type gre; protocol TCP"),
    edit: head("%6::2 80"),
  },
  {
    name: "IPv4 in IPv6",
    shape: server("lb_algo rr; lb_kind TUN; protocol TCP", { reals: webs6() }),
    edit: weights(3, 3, 3),
  },
  {
    name: "IPv6 in IPv4",
    shape: server6("lb_algo rr; lb_kind TUN; protocol TCP", { reals: webs() }),
    edit: weights(3, 3, 3),
  },
  {
    name: "each server by another method",
    shape: server("lb_algo rr; lb_kind NAT; protocol TCP", {
      reals: [
        web(1, "80", "lvs_method DR"),
        web(2, "80", "lvs_method TUN type gue port 6080 csum"),
        web(3, "8080"),
        web6(1, "80", "lvs_method TUN type gre"),
      ],
    }),
    edit: reals([web(1, "80", "lvs_method TUN"), web(2, "80", "lvs_method DR"), web(3, "8080", "weight 2")]),
  },
  {
    name: "thresholds",
    shape: server("lb_algo rr; lb_kind NAT; protocol TCP", {
      reals: [web(1, "80", "uthreshold 100; lthreshold 50"), web(2, "80", "uthreshold 7"), web(3)],
    }),
    edit: without(3),
  },
];

const marks: readonly EqualityCase[] = [
  {
    name: "a mark",
    shape: server("lb_algo rr; lb_kind DR", { head: "fwmark %m1", reals: webs("") }),
    edit: weights(2, 3, 4),
  },
  {
    name: "a mark, IPv6",
    shape: server("lb_algo rr; ip_family inet6; lb_kind DR", { head: "fwmark %m1", reals: webs6("") }),
    edit: without(2),
  },
  {
    name: "a mark, one packet, NAT",
    shape: server("lb_algo wrr; ops; lb_kind NAT", { head: "fwmark %m1", reals: webs("") }),
    edit: head("fwmark %m2"),
  },
  {
    name: "a mark with persistence, in tunnels",
    shape: server("lb_algo sh; persistence_timeout 120; lb_kind TUN", { head: "fwmark %m1", reals: webs("") }),
    edit: lines("lb_algo sh; persistence_timeout 120; lb_kind TUN type gre"),
    reload: METHOD,
  },
];

const groups: readonly EqualityCase[] = [
  {
    name: "a group: a range",
    shape: grouped(["%4.1-3 80"], "lb_algo rr; lb_kind DR; protocol TCP"),
    edit: weights(3, 2, 1),
  },
  {
    name: "a group: a prefix",
    shape: grouped(["%4.0/30 80"], "lb_algo rr; lb_kind NAT; protocol TCP", { reals: webs("8080") }),
    edit: without(1),
  },
  {
    name: "a group: a range and a prefix of IPv6",
    shape: grouped(["%6::fffe-ffff 80", "%6:1::/126 8080"], "lb_algo wlc; lb_kind NAT; protocol TCP", {
      reals: webs6(),
    }),
    edit: plusLines("persistence_timeout 90"),
  },
  {
    name: "a group: marks",
    shape: grouped(["fwmark %m1", "fwmark %m2"], "lb_algo sh; lb_kind DR", { reals: webs("") }),
    edit: weights(5, 5, 5),
  },
  {
    name: "a group: addresses and a mark, with a sorry server",
    shape: grouped(["%4.1 80", "fwmark %m1"], `lb_algo rr; lb_kind NAT; protocol TCP; quorum 2; ${sorry}`),
    edit: weights(2, 2, 2),
  },
  {
    name: "a group: both families",
    shape: grouped(["%4.1 80", "%6::1 80"], "lb_algo rr; lb_kind TUN; protocol TCP"),
    edit: without(2),
  },
  {
    name: "a group for two virtual servers",
    shape: together(
      grouped(["%4.1-2 53"], "lb_algo rr; lb_kind DR; protocol TCP", { reals: webs("53") }),
      server("lb_algo wrr; lb_kind NAT; protocol UDP; inhibit_on_failure", { head: "group %g", reals: webs("5353") }),
    ),
    edit: weights(2, 3, 4),
  },
  {
    name: "a group: inhibited servers",
    shape: grouped(["%4.1-2 80"], "lb_algo rr; lb_kind DR; protocol TCP; inhibit_on_failure"),
    edit: weights(2, 3, 4),
  },
  {
    name: "a group: entries come and go",
    shape: grouped(["%4.1-3 80", "%4.8/30 80"], "lb_algo rr; lb_kind DR; protocol TCP"),
    edit: entries(["%4.2-4 80", "%4.8/31 80", "%4.99 80"]),
    reload: "what an edit takes away from a group stays, with and after it",
  },
  {
    name: "groups that overlap",
    shape: together(
      grouped(["%4.1 80", "%4.2 80"], "lb_algo rr; lb_kind DR; protocol TCP", { reals: webs() }, "a"),
      grouped(["%4.2 80", "%4.3 80"], "lb_algo rr; lb_kind DR; protocol TCP", { reals: webs() }, "b"),
    ),
    edit: entries(["%4.3 80"], "b"),
    reload: "what an edit takes away from one group is lost to the other",
  },
  {
    name: "groups whose marks overlap",
    shape: together(
      grouped(["fwmark %m1", "fwmark %m2"], "lb_algo rr; lb_kind DR", { reals: webs("") }, "a"),
      grouped(["fwmark %m2"], "lb_algo rr; lb_kind DR", { reals: webs("") }, "b"),
    ),
    edit: entries(["fwmark %m3"], "b"),
    reload: "what an edit takes away from one group is lost to the other",
  },
];

const weighing: readonly EqualityCase[] = [
  {
    name: "a weight for all, and one's own",
    shape: server("lb_algo wrr; lb_kind DR; protocol TCP; weight 5", {
      reals: [web(1), web(2, "80", "weight 7"), web(3)],
    }),
    edit: lines("lb_algo wrr; lb_kind DR; protocol TCP; weight 6"),
  },
  {
    name: "no weight and the largest",
    shape: server("lb_algo wrr; lb_kind DR; protocol TCP", {
      reals: [web(1, "80", "weight 0"), web(2, "80", "weight 2147483647"), web(3)],
    }),
    edit: weights(3, 2, 0),
  },
  {
    name: "inhibited",
    shape: server("lb_algo wrr; lb_kind DR; protocol TCP; inhibit_on_failure", { reals: weighted() }),
    edit: weights(4, 5, 6),
  },
  {
    name: "inhibited, one of them",
    shape: server("lb_algo rr; lb_kind DR; protocol TCP", {
      reals: [web(1), web(2, "80", "inhibit_on_failure"), web(3)],
    }),
    edit: reals([web(1), web(2), web(3, "80", "inhibit_on_failure")]),
  },
  {
    name: "alpha",
    shape: server("lb_algo rr; lb_kind NAT; protocol TCP; alpha"),
    edit: plus(web(1, "81", "weight 2")),
  },
  {
    name: "alpha, inhibited",
    shape: server("lb_algo rr; lb_kind NAT; protocol TCP; alpha; inhibit_on_failure"),
    edit: plus(web(1, "81", "weight 2")),
  },
  {
    name: "alpha and omega",
    shape: server("lb_algo rr; lb_kind DR; protocol TCP; alpha; omega"),
    edit: weights(2, 2, 2),
  },
];

const quorums: readonly EqualityCase[] = [
  { name: "a quorum of two", shape: server("lb_algo rr; lb_kind DR; protocol TCP; quorum 2"), edit: weights(2, 1, 1) },
  {
    name: "a quorum of three with a sorry server",
    shape: server(`lb_algo rr; lb_kind NAT; protocol TCP; quorum 3; ${sorry}`),
    edit: lines(`lb_algo rr; lb_kind NAT; protocol TCP; quorum 2; ${sorry}`),
  },
  {
    name: "quorum and hysteresis over weights",
    shape: server(`lb_algo wrr; lb_kind DR; protocol TCP; quorum 4; hysteresis 1; ${sorry}`, { reals: weighted() }),
    edit: weights(1, 2, 3),
  },
  {
    name: "a hysteresis that keeps the quorum lost",
    shape: server(`lb_algo wrr; lb_kind DR; protocol TCP; quorum 5; hysteresis 1; ${sorry}`, { reals: weighted() }),
    edit: lines(`lb_algo wrr; lb_kind DR; protocol TCP; quorum 5; ${sorry}`),
  },
  {
    name: "a quorum above all weights",
    shape: server(`lb_algo rr; lb_kind DR; protocol TCP; quorum 9; ${sorry}`),
    edit: lines("lb_algo rr; lb_kind DR; protocol TCP; quorum 1"),
    reload: "servers that are alive are not put back when the quorum is lowered and the sorry server goes",
  },
  { name: "a sorry server", shape: server(`lb_algo rr; lb_kind DR; protocol TCP; ${sorry}`), edit: weights(2, 2, 2) },
  {
    name: "a sorry server, inhibited",
    shape: server(`lb_algo rr; lb_kind DR; protocol TCP; ${sorry}; sorry_server_inhibit`),
    edit: weights(2, 2, 2),
  },
  {
    name: "a sorry server by another method",
    shape: server(
      `lb_algo rr; lb_kind DR; protocol TCP; quorum 3; ${sorry}; sorry_server_lvs_method TUN type gre csum`,
    ),
    edit: lines("lb_algo rr; lb_kind DR; protocol TCP; quorum 3; sorry_server 192.168.91.51 80"),
  },
  {
    name: "a sorry server and servers, all inhibited",
    shape: server(
      `lb_algo rr; lb_kind NAT; protocol TCP; quorum 2; inhibit_on_failure; ${sorry}; sorry_server_inhibit`,
    ),
    edit: weights(3, 4, 5),
  },
  {
    name: "a sorry server, IPv6",
    shape: server6("lb_algo rr; lb_kind NAT; protocol TCP; quorum 2; sorry_server 2001:db8:91::50 8080"),
    edit: lines("lb_algo rr; lb_kind NAT; protocol TCP; quorum 2"),
  },
  {
    name: "a sorry server with alpha",
    shape: server(`lb_algo rr; lb_kind NAT; protocol TCP; alpha; quorum 2; ${sorry}`),
    edit: weights(1, 2, 1),
  },
];

const checkers: readonly EqualityCase[] = [
  ...(["http", "ssl", "smtp", "dns", "udp", "ping", "misc", "file", "several"] as const).map((kind) => ({
    name: `checked by ${kind}`,
    shape: server("lb_algo rr; lb_kind DR; protocol TCP", { check: kind }),
    edit: kind === "several" ? check("tcp") : check("file"),
  })),
  {
    name: "checked by http in every detail",
    shape: server("lb_algo rr; lb_kind DR; protocol TCP; virtualhost www.example", { check: "http in detail" }),
    edit: check("http"),
  },
  {
    name: "checked by ping, IPv6",
    shape: server6("lb_algo rr; lb_kind DR; protocol TCP", { check: "ping" }),
    edit: check("tcp"),
  },
  {
    name: "checked by http, IPv6, with a sorry server",
    shape: server6("lb_algo rr; lb_kind DR; protocol TCP; quorum 2; sorry_server 2001:db8:91::50 80", {
      check: "http",
    }),
    edit: weights(2, 2, 2),
  },
  {
    name: "a check that never passes",
    shape: server(`lb_algo rr; lb_kind DR; protocol TCP; ${sorry}`, { check: "http that never passes" }),
    edit: check("tcp"),
    steady: true,
    reload: "the sorry server stays beside the servers",
  },
  {
    name: "checked elsewhere",
    shape: server("lb_algo rr; lb_kind DR; protocol TCP", { check: "tcp elsewhere" }),
    edit: weights(2, 2, 2),
  },
  {
    name: "weights by misc",
    shape: server("lb_algo wrr; lb_kind DR; protocol TCP", { check: "misc with a weight", reals: weighted() }),
    edit: weights(9, 9, 9),
    reload: "weights of misc_dynamic become 0",
  },
  {
    name: "weights by file",
    shape: server("lb_algo wrr; lb_kind DR; protocol TCP", { check: "file with a weight", reals: weighted() }),
    edit: weights(4, 4, 4),
  },
  {
    name: "weights that a file takes away, and a quorum",
    shape: server(`lb_algo wrr; lb_kind NAT; protocol TCP; quorum 4; ${sorry}`, {
      check: "file that takes weight",
      reals: weighted(),
    }),
    edit: weights(4, 4, 4),
  },
  {
    name: "weights by several",
    shape: server("lb_algo wrr; lb_kind DR; protocol TCP; inhibit_on_failure", {
      check: "several with weights",
      reals: weighted(),
    }),
    edit: check("tcp"),
  },
  {
    name: "no check",
    shape: server("lb_algo rr; lb_kind DR; protocol TCP", { check: "none" }),
    edit: check("tcp"),
    steady: true,
  },
  {
    name: "a check that goes",
    shape: server("lb_algo rr; lb_kind DR; protocol TCP"),
    edit: check("none"),
  },
  {
    name: "ha_suspend, address here",
    shape: server("lb_algo rr; lb_kind DR; protocol TCP; ha_suspend"),
    edit: weights(2, 2, 2),
    local: true,
  },
  {
    name: "ha_suspend, address elsewhere",
    shape: server("lb_algo rr; lb_kind DR; protocol TCP; ha_suspend", { check: "tcp of its own, too" }),
    edit: weights(2, 2, 2),
    steady: true,
  },
  {
    name: "ha_suspend with alpha, address elsewhere",
    shape: server("lb_algo rr; lb_kind DR; protocol TCP; ha_suspend; alpha", { check: "tcp of its own" }),
    edit: lines("lb_algo rr; lb_kind DR; protocol TCP; alpha"),
    steady: true,
  },
];

export const equalityCases: readonly EqualityCase[] = [
  ...schedulers,
  ...protocols,
  ...persistence,
  ...methods,
  ...marks,
  ...groups,
  ...weighing,
  ...quorums,
  ...checkers,
];
