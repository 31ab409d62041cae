/** Names of the steps, shared by the program in the guest that does them and the test outside that asserts them. */

export const pairSteps = {
  start: "two directors start: the first is master, both web servers are in service",
  alternate: "requests through the virtual IP alternate",
  removed: "a stopped web server disappears from the table",
  returned: "a web server that is back returns to the table",
  healClear: "ipvsadm -C is repaired within 2 s",
  healService: "ipvsadm -D of one service is repaired within 2 s",
  healDestination: "ipvsadm -d of one destination is repaired within 2 s",
  foreign: "services and destinations of somebody else stay",
  failover: "a crash of the master keeps the service",
  stop: "a clean stop removes address and table",
} as const;

export const crashSteps = {
  prepare: "one of two servers is down, a client is connected through the virtual IP",
  noTransition: "no VRRP transition on either director",
  neverAdded: "the dead server is never added back",
  connection: "the established connection survives",
  alive: "the daemon that took over goes on: the server that is back is added",
} as const;

export const speedSteps = {
  writer: "the IPVS writer fills an empty table with 5,000 destinations in less than 0.5 s",
  holdfast: "holdfast at its start, watched from outside",
  keepalived: "keepalived at its start, watched in the same way",
} as const;

export const healSteps = {
  clear: "100 destinations: ipvsadm -C is repaired within 2 s",
  service: "100 destinations: ipvsadm -D of one service is repaired within 2 s",
  destination: "100 destinations: ipvsadm -d of one destination is repaired within 2 s",
  large: "5,000 destinations: ipvsadm -d of one is repaired within the published period",
  huge: "50,000 destinations: the repair of ipvsadm -C begins within 250 ms and ends within 3 s, or no later than ipvsadm -R takes there",
} as const;

export const netemSteps = {
  delay: "100 ms adverts, 50 ms late and out of order, 1 % lost: no other master in a minute",
  loss: "100 ms adverts, a quarter lost: another master only after a silence of Master_Down_Interval",
} as const;

export const settingsSteps = {
  roles: "the master's sync daemon sends, the backup's receives",
  missing: "a scheduler that the kernel lacks: one line names it, the other services are served",
  copied: "a connection through the master is known to the backup",
  stopped: "a sync daemon that somebody stops runs again",
  crash: "a crash leaves the sync daemon as it is, and timeouts set",
  reload: "a reload with another id starts it again, one without the keyword stops it; timeouts follow",
  later: "an interface that comes later",
  failover: "the roles follow a failover, and a stop ends them and puts timeouts back",
} as const;

export const comingSteps = {
  unloaded: "the module is unloaded under the daemon: it lives, and the table is whole again",
  namespace:
    "the namespace of the table is deleted and made again: the new one has the table and timeouts within seconds",
} as const;

export const linkSteps = {
  vlan: "an instance on a VLAN over a bond is master, and keepalived hears it",
  slave: "the bond changes its slave and nothing else happens",
  address: "an address that somebody deletes is back within 2 s",
  vanished: "a VLAN that vanishes is a fault, and the same name again ends it",
  renamed: "a VLAN that gets another name is a fault, and its name again ends it",
  inVrf: "an instance with a VMAC on an interface in a VRF is master, and keepalived hears it",
  vrf: "unicast in a VRF, without an interface, is master, and keepalived hears it",
  vrfGone: "a VRF that vanishes is a fault, and the same name again ends it",
  mii: "linkbeat_interfaces: a device that knows MII (a bond) is asked so, and loses and finds its link",
} as const;

export const tunnelSteps = {
  ipip: "IP in IP",
  gue: "GUE",
  gre: "GRE",
  server: "GUE, of one server in a NAT service",
} as const;

export const groupSteps = {
  rest: "groups at rest",
  failure: "groups after a failure",
  reload: "groups after a reload that edits them",
  recovery: "groups after a recovery",
  stopped: "groups after a clean stop",
  traffic: "a client is answered through an address in the middle of a range",
} as const;

export const groupMarkSteps = {
  equal: "ipvsadm -Sn is that after keepalived",
  traffic: "a client is answered at every address whose packets have the mark, by both servers, and at no other",
  reload: "a reload that puts a group before it leaves its mark",
  crash: "a crash keeps the mark",
  stopped: "a clean stop leaves no service",
} as const;

export const migrateSteps = {
  prepare: "keepalived on both directors, one of two servers down, a client connected through the virtual IP",
  toHoldfast: "holdfast takes the place of keepalived on the master, unnoticed",
  backupToo: "and on the backup, which stays backup",
  goesOn: "servers come and go as before",
} as const;

export const upgradeSteps = {
  prepare: "two directors, one of two servers down, a client connected through the virtual IP",
  broken: "a version that does not load is refused, unnoticed",
  unnoticed: "another version takes the place of the daemon on the master, unnoticed",
  backupToo: "and on the backup, which stays backup",
  goesOn: "servers come and go as before",
} as const;

export const backSteps = {
  prepare: "two directors, one of two servers down, a client connected through the virtual IP",
  giveWay:
    "keepalived with alpha beside a holdfast that gives way: no failover, the connection survives, no dead server is added",
} as const;

export const faultSteps = {
  hold: "removal_floor 50%: all checks fail, half of the pool goes, the other half stays and serves",
  crash: "a crash meanwhile keeps the half that stays, and its time goes on",
  release: "when its failure is confirmed it goes",
  recover: "all four come back and serve",
  selfCheck: "self_check: with the uplink down all stay and serve though all checks fail, and go when it is up again",
} as const;

export const hostileSteps = {
  missing: "a scheduler and a persistence engine that the kernel lacks: a line for each, and the others are served",
  reload: "a reload to a scheduler that the kernel lacks: the service serves on as it was, and follows the next reload",
  overrun:
    "2,000 refusals through the smallest receive buffer, most of which are lost: the table is whole later on, and after ipvsadm -C",
  rival: "somebody else adds, changes and deletes our entries during reloads: the table is whole when he is gone",
  namespace: "a namespace for IPVS that is missing: one line, and its table is whole when it has come",
} as const;
