/** Files whose effect on IPVS must be keepalived's, each in a namespace with eth0 (192.168.91.0/24 and 2001:db8:91::/64). */
export interface OptionCase {
  readonly name: string;
  readonly config: string;
  /** The virtual router's state after an election. */
  readonly elects?: true;
  /** Shell commands that come first. */
  readonly kernel?: string;
}

const instance = (name: string, lines: string): string => `vrrp_instance ${name} {
  interface eth0
  virtual_router_id 51
  advert_int 1
  ${lines}
  virtual_ipaddress {
    192.168.91.188/24
  }
}
`;

const settings: readonly OptionCase[] = [
  {
    name: "timeouts: some given, the others stay, all back at the end",
    kernel: "ipvsadm --set 777 66 55",
    config: `global_defs {
  lvs_timeouts tcp 500 udp 33
}
virtual_server 192.168.91.188 80 {
  lb_algo rr
  lb_kind DR
  protocol TCP
  real_server 192.168.91.102 80 {
  }
}
`,
  },
  {
    name: "sync daemons: both roles without an instance, and timeouts all three",
    config: `global_defs {
  lvs_sync_daemon eth0
  lvs_timeouts tcp 1000 tcpfin 20 udp 30
}
virtual_server 192.168.91.188 80 {
  lb_algo rr
  lb_kind DR
  protocol TCP
  real_server 192.168.91.102 80 {
  }
}
`,
  },
  {
    name: "sync daemons: every option, with a master",
    elects: true,
    config: `global_defs {
  lvs_sync_daemon eth0 inst VI_1 id 77 maxlen 1200 port 8850 ttl 5 group 224.0.0.99
}
${instance("VI_1", "state MASTER\n  priority 200")}`,
  },
  {
    name: "sync daemons: an IPv6 group, and the router id for the sync id",
    elects: true,
    config: `global_defs {
  lvs_sync_daemon eth0 VI_1 group ff02::99
}
${instance("VI_1", "state MASTER\n  priority 200")}`,
  },
  {
    name: "sync daemons: a backup receives",
    config: `global_defs {
  lvs_sync_daemon eth0 inst VI_1
}
${instance("VI_1", "state BACKUP\n  priority 10\n  advert_int 20")}`,
  },
  {
    name: "sync daemons: the keyword of the instance",
    elects: true,
    config: instance("VI_1", "state MASTER\n  priority 200\n  lvs_sync_daemon_interface eth0"),
  },
];

const real = (address: string, lines = ""): string => `  real_server ${address} {\n    ${lines}\n  }\n`;
const server = (head: string, lines: string, ...reals: readonly string[]): string =>
  `virtual_server ${head} {\n  ${lines}\n${reals.join("")}}\n`;
const webs = (port: string, lines = ""): readonly string[] => [
  real(`192.168.91.102 ${port}`, lines),
  real(`192.168.91.103 ${port}`, `weight 3\n    ${lines}`),
];
const webs6 = (port: string): readonly string[] => [real(`2001:db8:91::102 ${port}`), real(`2001:db8:91::103 ${port}`)];
const vip = "192.168.91.188";

const table: readonly OptionCase[] = [
  {
    name: "table: every scheduler with its flags",
    config: [
      ...["rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "mh", "sed", "nq", "fo", "ovf"].map((scheduler, i) =>
        server(`${vip} ${1000 + i}`, `lb_algo ${scheduler}\n  lb_kind DR\n  protocol TCP`, ...webs(`${1000 + i}`)),
      ),
      ...["sh-port", "sh-fallback", "sh-port\n  sh-fallback", "flag-3"].map((flags, i) =>
        server(`${vip} ${1100 + i}`, `lb_algo sh\n  ${flags}\n  lb_kind DR\n  protocol TCP`, ...webs(`${1100 + i}`)),
      ),
      ...["mh-port", "mh-fallback", "flag-1\n  flag-2"].map((flags, i) =>
        server(`${vip} ${1200 + i}`, `lb_algo mh\n  ${flags}\n  lb_kind NAT\n  protocol TCP`, ...webs(`${1200 + i}`)),
      ),
      server("2001:db8:91::188 80", "lb_algo mh\n  mh-port\n  lb_kind DR\n  protocol TCP", ...webs6("80")),
    ].join(""),
  },
  {
    name: "table: one packet, persistence and its engine, marks",
    config: [
      server(`${vip} 53`, "lb_algo rr\n  ops\n  lb_kind DR\n  protocol UDP", ...webs("53")),
      server("fwmark 7", "lb_algo rr\n  ops\n  lb_kind DR", real("192.168.91.102")),
      server(
        `${vip} 5060`,
        "lb_algo rr\n  persistence_engine sip\n  persistence_timeout 60\n  lb_kind DR\n  protocol UDP",
        ...webs("5060"),
      ),
      server(`${vip} 0`, "lb_algo wlc\n  lb_kind DR\n  protocol TCP", real("192.168.91.102 0")),
      server(
        `${vip} 443`,
        "lb_algo wlc\n  persistence_granularity 255.255.255.0\n  lb_kind DR\n  protocol TCP",
        ...webs("443"),
      ),
      server(
        "2001:db8:91::188 443",
        "lb_algo wlc\n  persistence_granularity 64\n  persistence_timeout 70\n  lb_kind DR\n  protocol TCP",
        ...webs6("443"),
      ),
      server(`${vip} 36412`, "lb_algo rr\n  lb_kind NAT\n  protocol SCTP", ...webs("36413")),
    ].join(""),
  },
  {
    name: "table: every tunnel, of services",
    config: [
      ...[
        "",
        " type ipip",
        " type gue port 6080",
        " type gue port 6081 csum",
        " type gue port 6082 remcsum",
        " type gre",
        " type gre csum",
      ].map((tunnel, i) =>
        server(`${vip} ${2000 + i}`, `lb_algo rr\n  lb_kind TUN${tunnel}\n  protocol TCP`, ...webs(`${2000 + i}`)),
      ),
      server("2001:db8:91::188 80", "lb_algo rr\n  lb_kind TUN type gue port 6080\n  protocol TCP", ...webs6("80")),
      server("2001:db8:91::188 81", "lb_algo rr\n  lb_kind TUN type gre\n  protocol TCP", ...webs("81")),
    ].join(""),
  },
  {
    name: "table: methods and thresholds of single servers, and the sorry server's method",
    config: [
      server(
        `${vip} 80`,
        "lb_algo rr\n  lb_kind NAT\n  protocol TCP",
        real("192.168.91.102 8080", "uthreshold 100\n    lthreshold 50"),
        real("192.168.91.103 80", "lvs_method DR\n    uthreshold 7"),
        real("192.168.91.104 80", "lvs_method TUN"),
        real("192.168.91.105 80", "lvs_method TUN type gue port 6080 csum\n    weight 0"),
        real("2001:db8:91::106 80", "lvs_method TUN type gre"),
      ),
      server(
        `${vip} 81`,
        "lb_algo rr\n  lb_kind TUN type gue port 6080\n  protocol TCP",
        real("192.168.91.102 81", "lvs_method TUN"),
        real("192.168.91.103 81", "lvs_method NAT"),
        real("192.168.91.104 81"),
      ),
      server(
        `${vip} 82`,
        "lb_algo rr\n  lb_kind DR\n  protocol TCP\n  alpha\n  sorry_server 192.168.91.50 82\n  sorry_server_lvs_method TUN type gre csum",
        real("192.168.91.102 82", "TCP_CHECK {\n    }"),
      ),
      server(
        `${vip} 83`,
        "lb_algo rr\n  lb_kind NAT\n  protocol TCP\n  alpha\n  sorry_server 192.168.91.50 83\n  sorry_server_lvs_method DR\n  sorry_server_inhibit",
        real("192.168.91.102 8383", "inhibit_on_failure\n    TCP_CHECK {\n    }"),
      ),
    ].join(""),
  },
];

/** A service of somebody else, and one of ours that he has made already, with a server of his. */
const foreign = [
  "ipvsadm -A -t 198.51.100.1:80 -s rr",
  "ipvsadm -a -t 198.51.100.1:80 -r 10.0.0.1 -m",
  `ipvsadm -A -t ${vip}:80 -s rr`,
  `ipvsadm -a -t ${vip}:80 -r 192.168.91.109:80 -g`,
].join(" && ");
const plain = server(`${vip} 80`, "lb_algo rr\n  lb_kind DR\n  protocol TCP", ...webs("80"));

const flushing: readonly OptionCase[] = ["lvs_flush", "lvs_flush_on_stop", "lvs_flush_on_stop VS"].map((line) => ({
  name: `what others have made: ${line}`,
  kernel: foreign,
  config: `global_defs {\n  ${line}\n}\n${plain}`,
}));

export const optionCases: readonly OptionCase[] = [...settings, ...table, ...flushing];
