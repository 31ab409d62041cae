import type { Request } from "../netlink/connection.js";
import { NLM_F_CREATE, NLM_F_EXCL } from "../netlink/reader.js";
import type { MessageWriter } from "../netlink/writer.js";
import { AF_INET, AF_INET6 } from "./prefix-bytes.js";
import { RTM_DELLINK, RTM_NEWLINK } from "./rtnetlink.js";

/** linux/if_link.h, linux/ip.h, linux/if.h */
const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_LINK = 5;
const IFLA_MASTER = 10;
const IFLA_LINKINFO = 18;
const IFLA_AF_SPEC = 26;
const IFLA_GROUP = 27;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const IFLA_MACVLAN_MODE = 1;
export const MACVLAN_MODE_PRIVATE = 1;
const IFLA_IPVLAN_MODE = 1;
const IFLA_IPVLAN_FLAGS = 2;
export const IPVLAN_MODE_L2 = 0;
const IFLA_INET_CONF = 1;
const IFLA_INET6_ADDR_GEN_MODE = 8;
const IN6_ADDR_GEN_MODE_NONE = 1;
const IFF_UP = 1;
const IFINFOMSG_BYTES = 16;

/** IPV4_DEVCONF_* by the names of net.ipv4.conf.*. */
const devconf = { rp_filter: 8, arp_ignore: 19, promote_secondaries: 20, accept_local: 23 } as const;

/** IFLA_IPVLAN_FLAGS. */
const ipvlanFlags = { bridge: 0, private: 1, vepa: 2 } as const;

/** A link to be made on top of another one. */
export interface NewLink {
  readonly name: string;
  /** Index of the interface below. */
  readonly lower: number;
  readonly group: number;
  /** Index of the VRF that the interface below belongs to. */
  readonly master: number | undefined;
  readonly kind:
    | { readonly is: "macvlan"; readonly mac: Uint8Array }
    | { readonly is: "ipvlan"; readonly mode: keyof typeof ipvlanFlags };
}

/** Like `ip link add link LOWER name NAME [address MAC] type macvlan mode private`, or `type ipvlan mode l2 MODE`. */
export const addLinkRequest = (link: NewLink): Request => ({
  type: RTM_NEWLINK,
  flags: NLM_F_CREATE | NLM_F_EXCL,
  encode: (writer) => encodeNew(writer, link),
});

function encodeNew(writer: MessageWriter, { name, lower, group, master, kind }: NewLink): void {
  header(writer, { index: 0 });
  writer.nest(IFLA_LINKINFO, () => {
    writer.text(IFLA_INFO_KIND, kind.is);
    writer.nest(IFLA_INFO_DATA, () => {
      if (kind.is === "macvlan") writer.u32(IFLA_MACVLAN_MODE, MACVLAN_MODE_PRIVATE);
      else {
        writer.u16(IFLA_IPVLAN_MODE, IPVLAN_MODE_L2);
        writer.u16(IFLA_IPVLAN_FLAGS, ipvlanFlags[kind.mode]);
      }
    });
  });
  writer.u32(IFLA_LINK, lower);
  writer.text(IFLA_IFNAME, name);
  if (kind.is === "macvlan") writer.raw(IFLA_ADDRESS, kind.mac);
  if (group !== 0) writer.u32(IFLA_GROUP, group);
  if (master !== undefined) writer.u32(IFLA_MASTER, master);
}

/**
 * Like `sysctl net.ipv4.conf.NAME.arp_ignore=1 .accept_local=1 .rp_filter=0 .promote_secondaries=1` and
 * `ip link set NAME addrgenmode none`. A VIP answers ARP on its own link only, and packets from it may come in by another one.
 */
export const prepareLinkRequest = (name: string, ipv4: boolean): Request => ({
  type: RTM_NEWLINK,
  encode: (writer) => {
    header(writer, { index: 0 });
    writer.text(IFLA_IFNAME, name);
    writer.nest(IFLA_AF_SPEC, () => {
      writer.nest(AF_INET, () => {
        writer.nest(IFLA_INET_CONF, () => {
          writer.u32(devconf.arp_ignore, 1);
          if (!ipv4) return;
          writer.u32(devconf.accept_local, 1);
          writer.u32(devconf.rp_filter, 0);
          writer.u32(devconf.promote_secondaries, 1);
        });
      });
      writer.nest(AF_INET6, () => writer.u8(IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE));
    });
  },
});

/** Like `ip link set NAME up`. */
export const linkUpRequest = (name: string): Request => ({
  type: RTM_NEWLINK,
  encode: (writer) => {
    header(writer, { index: 0, flags: IFF_UP, change: IFF_UP });
    writer.text(IFLA_IFNAME, name);
  },
});

/** Like `ip link set INDEX group GROUP`; with the group that it has, the kernel only tells everybody of the link. */
export const setGroupRequest = (index: number, group: number): Request => ({
  type: RTM_NEWLINK,
  encode: (writer) => {
    header(writer, { index });
    writer.u32(IFLA_GROUP, group);
  },
});

/** Like `ip link del INDEX`. */
export const deleteLinkRequest = (index: number): Request => ({
  type: RTM_DELLINK,
  encode: (writer) => header(writer, { index }),
});

interface LinkHeader {
  /** 0: the link that IFLA_IFNAME names. */
  readonly index: number;
  readonly flags?: number;
  readonly change?: number;
}

/** Like `ip link del group GROUP`. */
export const deleteGroupRequest = (group: number): Request => ({
  type: RTM_DELLINK,
  encode: (writer) => {
    header(writer, { index: 0 });
    writer.u32(IFLA_GROUP, group);
  },
});

/** struct ifinfomsg { u8 family; u8 pad; u16 type; s32 index; u32 flags; u32 change } */
function header(writer: MessageWriter, { index, flags = 0, change = 0 }: LinkHeader): void {
  const bytes = Buffer.alloc(IFINFOMSG_BYTES);
  bytes.writeInt32LE(index, 4);
  bytes.writeUInt32LE(flags, 8);
  bytes.writeUInt32LE(change, 12);
  writer.header(bytes);
}
