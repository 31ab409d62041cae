/** A way to a real server: requests of a client have to arrive by it, and connections over it have to last. */
export interface Way {
  readonly name: string;
  /** Of the virtual address, which the client connects to. */
  readonly family: 4 | 6;
  /** Of the real server's address; default: the same. */
  readonly serverFamily?: 4 | 6;
  readonly method: string;
  /** Lines of the real server. */
  readonly server?: string;
  /** A receiver of GRE wants checksums or refuses them (ip-link(8), icsum): this one has an address of its own for them. */
  readonly checksummed?: boolean;
  /** The service is one of a firewall mark, which iptables gives to packets to the virtual address. */
  readonly mark?: number;
}

export const ways: readonly Way[] = [
  { name: "NAT", family: 4, method: "NAT" },
  { name: "NAT, IPv6", family: 6, method: "NAT" },
  { name: "DR", family: 4, method: "DR" },
  { name: "DR, IPv6", family: 6, method: "DR" },
  { name: "TUN", family: 4, method: "TUN" },
  { name: "TUN, IPv6 in IPv4", family: 6, serverFamily: 4, method: "TUN" },
  { name: "TUN, IPv6", family: 6, method: "TUN" },
  { name: "TUN, IPv4 in IPv6", family: 4, serverFamily: 6, method: "TUN" },
  { name: "GUE", family: 4, method: "TUN type gue port 6080" },
  { name: "GUE with a checksum", family: 4, method: "TUN type gue port 6080 csum" },
  { name: "GUE with remote checksum offload", family: 4, method: "TUN type gue port 6080 remcsum" },
  { name: "GUE, IPv6 in IPv4", family: 6, serverFamily: 4, method: "TUN type gue port 6080" },
  { name: "GUE, IPv6", family: 6, method: "TUN type gue port 6080" },
  { name: "GUE with a checksum, IPv6", family: 6, method: "TUN type gue port 6080 csum" },
  { name: "GUE with remote checksum offload, IPv6", family: 6, method: "TUN type gue port 6080 remcsum" },
  { name: "GUE, IPv4 in IPv6", family: 4, serverFamily: 6, method: "TUN type gue port 6080" },
  { name: "GRE", family: 4, method: "TUN type gre" },
  { name: "GRE with a checksum", family: 4, method: "TUN type gre csum", checksummed: true },
  { name: "GRE, IPv6 in IPv4", family: 6, serverFamily: 4, method: "TUN type gre" },
  { name: "GRE, IPv6", family: 6, method: "TUN type gre" },
  { name: "GRE with a checksum, IPv6", family: 6, method: "TUN type gre csum", checksummed: true },
  { name: "GRE, IPv4 in IPv6", family: 4, serverFamily: 6, method: "TUN type gre" },
  { name: "DR by a firewall mark", family: 4, method: "DR", mark: 7 },
  { name: "DR by a firewall mark, IPv6", family: 6, method: "DR", mark: 8 },
  { name: "GUE by a firewall mark, IPv6", family: 6, method: "TUN type gue port 6080", mark: 9 },
  {
    name: "GUE, of one server in a NAT service",
    family: 4,
    method: "NAT",
    server: "lvs_method TUN type gue port 6080",
  },
];

export const arrivalStep = ({ name }: Way): string => `a request arrives and is answered: ${name}`;

/** What connections by all ways have to survive, in this order. */
export const lastingSteps = {
  reload: "connections survive a reload that changes all weights and schedulers and adds a server to each service",
  crash: "connections survive a crash, and the next daemon changes nothing in the table",
  restart: "connections survive a restart with --dont-release-ipvs, and the next daemon changes nothing in the table",
  heal: "connections survive the deletion of every service of ours, which is repaired",
  overlap: "a reload that takes away one of two overlapping groups: the service in both stays, and its connection",
} as const;
