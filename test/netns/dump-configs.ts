/** A configuration with every word that has a section or a line of its own in keepalived.data. */
export const everySection = (dir: string): string => `global_defs {
  router_id test
  script_user root
  enable_script_security
  vrrp_garp_interval 0.01
}
garp_group {
  garp_interval 0.02
  gna_interval 0.25
  interface eth0
}
garp_group {
  garp_interval 0.03
  interfaces {
    eth2
  }
}
interface_up_down_delays {
  eth2 1 1
}
track_group TG1 {
  group {
    V1
    V2
  }
}
track_group TG2 {
  group {
    V2
  }
}
static_ipaddress {
  192.0.2.200/24 dev eth0 track_group TG1
  192.0.2.201/24 dev eth0 no_track
}
static_routes {
  198.51.100.0/24 via 192.0.2.9 dev eth0 track_group TG1
  198.51.101.0/24 via 192.0.2.9 dev eth0 no_track
  198.51.102.0/24 via 192.0.2.9 dev eth0
}
static_rules {
  from 192.0.2.200 iif eth0 table 100 track_group TG2 priority 1000
  from 192.0.2.201 table 100 no_track priority 1001
}
vrrp_script flag {
  script "/usr/bin/test -e /"
  interval 1
  timeout 1
  weight 2
}
vrrp_track_file tf {
  file ${dir}/tracked
  weight 3
}
vrrp_track_process tp {
  process no-such-process-anywhere
  weight 4
}
bfd_instance B1 {
  neighbor_ip 192.0.2.77
  source_ip 192.0.2.1
  weight 6
}
bfd_instance B2 {
  neighbor_ip 192.0.2.78
  source_ip 192.0.2.1
}
vrrp_sync_group G1 {
  group {
    V3
    V4
  }
  track_interface {
    eth2 weight 3
  }
  track_script {
    flag weight 4
  }
  track_file {
    tf weight 5
  }
  track_process {
    tp weight 5
  }
  track_bfd {
    B1 weight 7
  }
  sync_group_tracking_weight
  notify_master "/usr/bin/true g"
  notify_priority_changes true
}
vrrp_instance V1 {
  state BACKUP
  interface eth0
  version 3
  virtual_router_id 51
  priority 200
  advert_int 0.2
  virtual_ipaddress {
    192.0.2.51/24
    192.0.2.61/24 no_track
  }
  virtual_routes {
    198.51.103.0/24 via 192.0.2.9 dev eth0 no_track
    198.51.104.0/24 via 192.0.2.9 dev eth0
  }
  virtual_rules {
    from 192.0.2.51 table 100 priority 1002
  }
  track_script {
    flag
  }
  track_file {
    tf weight 2
  }
  track_process {
    tp weight 2
  }
  track_bfd {
    B1 weight 9 reverse
  }
  track_interface {
    eth1 weight 4
    eth2 weight -3 reverse
  }
}
vrrp_instance V2 {
  state BACKUP
  interface eth0
  virtual_router_id 52
  priority 200
  advert_int 1
  nopreempt
  unicast_src_ip 192.0.2.1
  unicast_peer {
    192.0.2.33 min_ttl 10 max_ttl 20
    192.0.2.34
  }
  virtual_ipaddress {
    192.0.2.52
  }
  track_bfd {
    B1
  }
  authentication {
    auth_type AH
    auth_pass abc
  }
}
vrrp_instance V3 {
  state BACKUP
  interface eth1
  virtual_router_id 53
  priority 200
  promote_secondaries
  kernel_rx_buf_size 400000
  debug 2
  virtual_ipaddress {
    203.0.113.53
  }
}
vrrp_instance V4 {
  state BACKUP
  interface eth1
  virtual_router_id 54
  use_vmac
  priority 200
  virtual_ipaddress {
    203.0.113.54
  }
}
vrrp_instance V5 {
  state BACKUP
  interface eth0
  version 3
  virtual_router_id 55
  priority 200
  dont_track_primary
  skip_check_adv_addr
  virtual_ipaddress {
    fe80::1234
    2001:db8::1
  }
}
vrrp_instance V6 {
  state BACKUP
  interface eth1
  virtual_router_id 56
  priority 200
  mcast_dst_ip 224.0.0.99
  mcast_src_ip 203.0.113.1
  virtual_ipaddress {
    203.0.113.56
  }
  track_interface {
    eth3
  }
}
`;

/** eth3 is down: an instance that tracks it has a fault. */
export const everySectionLinks = [
  { addresses: ["192.0.2.1/24"] },
  { device: "eth1", segment: "one", addresses: ["203.0.113.1/24", "203.0.113.2/24"] },
  { device: "eth2", segment: "two", addresses: ["10.9.9.1/24"] },
  { device: "eth3", segment: "three", addresses: [] },
] as const;
