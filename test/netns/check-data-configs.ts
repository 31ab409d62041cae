/** Configurations for check-data.test.ts: together every kind of service, real server and checker. */

const times = "delay_loop 1\n warmup 0\n delay_before_retry 0.2\n connect_timeout 1";
const head = `global_defs {
  router_id test
  script_user root
  enable_script_security
}
`;

export interface DataCase {
  readonly name: string;
  /** @param folder for files that the checks read */
  readonly config: (folder: string) => string;
}

const checkers = `virtual_server 192.0.2.101 80 {
 ${times}
 lb_algo rr
 lb_kind NAT
 protocol TCP
 retry 2
 virtualhost www.example.org
 real_server 127.0.0.1 8080 {
  delay_loop 0.5
  HTTP_GET {
   url {
    path /a
    status_code 200-210 300
    virtualhost u.example.org
    regex "a b"
    regex_options caseless multiline
    regex_min_offset 5
    regex_max_offset 500
    regex_stack 100 2000
   }
   url {
    path /b
    digest 9B3A0C85A887A256D6939DA88AABD8CD
    regex foo
    regex_no_match
   }
   virtualhost c.example.org
   fast_recovery
   http_protocol 1.1
   connect_ip 127.0.0.5
   connect_port 81
   bindto 127.0.0.6
   bind_port 1234
   bind_if lo
   fwmark 9
   log_all_failures
  }
  SSL_GET {
   url { path / }
   enable_sni
   http_protocol 1.0c
  }
 }
 real_server 127.0.0.2 8080 {
  TCP_CHECK {
   retry 0
  }
  SMTP_CHECK {
   helo_name me
  }
  DNS_CHECK {
   type mx
   name example.org
  }
  PING_CHECK {
   alpha
  }
 }
 real_server 127.0.0.3 8080 {
  UDP_CHECK {
   payload 0102
   require_reply "01 xx 0x"
   min_reply_length 3
   max_reply_length 9
  }
  UDP_CHECK {
   require_reply
  }
  UDP_CHECK {
   payload "1 2 0a Bc"
   require_reply "1 2 x3 Xa"
  }
  UDP_CHECK {
   payload 0A0b
   require_reply 0aXXx1
   min_reply_length 0
   max_reply_length 65535
  }
  UDP_CHECK {
   bindto 127.0.0.3
  }
 }
 real_server 127.0.0.4 8080 {
  weight 5
  MISC_CHECK {
   misc_path "/bin/true a 'b c'"
   misc_timeout 1
   user root
  }
  MISC_CHECK {
   misc_path "/usr/bin/dash -c 'exit 9'"
   misc_dynamic
   misc_timeout 1
  }
 }
 real_server 127.0.0.5 8080 {
  MISC_CHECK {
   misc_path /bin/false
  }
 }
}
`;

const services = `virtual_server 192.0.2.101 443 {
 ${times}
 lb_algo sh
 sh-port
 sh-fallback
 lb_kind DR
 protocol TCP
 persistence_timeout 50
 persistence_granularity 255.255.255.0
 persistence_engine sip
 snmp_name one
 smtp_alert
 quorum 2
 hysteresis 1
 quorum_up "/bin/true up"
 quorum_down "/bin/true down"
 omega
 sorry_server 192.0.2.99 443
 sorry_server_inhibit
 real_server 127.0.0.1 443 {
  weight 3
  inhibit_on_failure
  uthreshold 100
  lthreshold 50
  virtualhost rs.example.org
  snmp_name first
  notify_up "/bin/true a"
  notify_down "/bin/true b"
  PING_CHECK {
  }
 }
 real_server 127.0.0.2 443 {
  inhibit_on_failure
  TCP_CHECK {
  }
 }
 real_server 127.0.0.3 443 {
 }
}
virtual_server 192.0.2.101 53 {
 ${times}
 lb_algo wlc
 lb_kind TUN type gre csum
 protocol UDP
 ops
 flag-1
 flag-3
 alpha
 quorum 3
 hysteresis 1
 sorry_server 192.0.2.99 53
 sorry_server_lvs_method TUN type gue port 77 remcsum
 real_server 127.0.0.1 53 {
  TCP_CHECK {
  }
 }
 real_server 127.0.0.2 53 {
  lvs_method TUN type gue port 7
  weight 3
 }
 real_server 127.0.0.3 53 {
  lvs_method NAT
  PING_CHECK {
  }
 }
}
virtual_server 2001:db8::101 80 {
 ${times}
 lb_algo mh
 mh-port
 protocol SCTP
 lb_kind NAT
 persistence_timeout 20
 persistence_granularity 64
 real_server 2001:db8::2 8000 {
 }
}
virtual_server fwmark 7 {
 ${times}
 lb_algo fo
 ip_family inet
 lb_kind DR
 real_server 127.0.0.1 {
  PING_CHECK {
  }
 }
}
virtual_server fwmark 8 {
 ${times}
 lb_algo lblc
 ip_family inet6
 lb_kind TUN
 real_server 2001:db8::2 {
 }
}
`;

const groups = `virtual_server_group web {
  192.0.2.110 80
  192.0.2.111-114 80
  192.0.3.0/30 80
  fwmark 77 inet
}
virtual_server_group six {
  2001:db8::10 80
  2001:db8::20-2f 80
}
virtual_server_group marks {
  fwmark 78
  fwmark 79
}
virtual_server_group unused {
  192.0.2.120 80
  2001:db8::30 80
}
virtual_server group web {
 ${times}
 lb_algo rr
 lb_kind NAT
 protocol TCP
 real_server 127.0.0.1 80 {
  TCP_CHECK {
  }
 }
 real_server 127.0.0.2 80 {
  weight 0
 }
}
virtual_server group web {
 ${times}
 lb_algo rr
 lb_kind NAT
 protocol UDP
 real_server 127.0.0.1 80 {
 }
}
virtual_server group six {
 ${times}
 lb_algo rr
 lb_kind DR
 protocol TCP
 real_server 2001:db8::99 80 {
 }
}
virtual_server group marks {
 ${times}
 lb_algo rr
 lb_kind DR
 ip_family inet
 real_server 127.0.0.1 {
 }
}
virtual_server group marks {
 ${times}
 lb_algo rr
 lb_kind DR
 ip_family inet6
 real_server 2001:db8::99 {
 }
}
`;

const followers = (folder: string): string => `track_file load {
 file ${folder}/load
}
track_file reversed {
 file ${folder}/reversed
 weight -2 reverse
}
track_file unused {
 file ${folder}/load
}
bfd_instance far {
 neighbor_ip 127.0.0.9
 source_ip 127.0.0.8
}
bfd_instance other {
 neighbor_ip 127.0.0.10
 source_ip 127.0.0.8
 checker
}
bfd_instance elsewhere {
 neighbor_ip 127.0.0.11
 source_ip 127.0.0.8
 vrrp
}
virtual_server 192.0.2.101 80 {
 ${times}
 lb_algo wrr
 lb_kind NAT
 protocol TCP
 real_server 127.0.0.1 80 {
  weight 10
  FILE_CHECK {
   track_file load
   weight 3
  }
  FILE_CHECK {
   track_file reversed
  }
 }
 real_server 127.0.0.2 80 {
  inhibit_on_failure
  FILE_CHECK {
   track_file load
   weight 4 reverse
  }
 }
 real_server 127.0.0.3 80 {
  FILE_CHECK {
   track_file load
   weight 0
  }
 }
 real_server 127.0.0.4 80 {
  BFD_CHECK {
   name far
  }
  BFD_CHECK {
   name other
   alpha
  }
 }
}
`;

/** One whose address is not here, and one whose address is. */
const suspended = ["203.0.113.1", "192.0.2.1"]
  .map(
    (address) => `virtual_server ${address} 80 {
 ${times}
 lb_algo rr
 lb_kind NAT
 protocol TCP
 ha_suspend
 real_server 127.0.0.1 80 {
  TCP_CHECK {
  }
 }
}
`,
  )
  .join("");

/** What virtual server and real server say: each nothing, on, or off. */
const alphas = ["", "alpha"]
  .map(
    (ofService, i) => `virtual_server 192.0.2.10${i + 2} 80 {
 ${times}
 lb_algo rr
 lb_kind NAT
 protocol TCP
 ${ofService}
${["", "alpha", "alpha off"]
  .map(
    (ofServer, place) => ` real_server 127.0.0.${place + 1} 80 {
  ${ofServer}
  TCP_CHECK {
  }
 }
`,
  )
  .join("")}}
`,
  )
  .join("");

export const dataCases: readonly DataCase[] = [
  { name: "every checker", config: () => `${head}${checkers}` },
  { name: "every kind of virtual server", config: () => `${head}${services}` },
  { name: "groups", config: () => `${head}${groups}` },
  { name: "files and BFD", config: (folder) => `${head}${followers(folder)}` },
  { name: "alpha", config: () => `${head}${alphas}` },
  { name: "ha_suspend", config: () => `${head}${suspended}` },
];
