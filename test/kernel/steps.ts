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

export const equalitySteps = {
  rest: "at rest",
  failure: "after a failure",
  recovery: "after a recovery",
  stopped: "after a clean stop",
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
} as const;
