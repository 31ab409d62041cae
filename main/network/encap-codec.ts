import type { Encap } from "../config/model-routes.js";
import { bytesOfIp } from "../ip-bytes.js";
import type { MessageWriter } from "../netlink/writer.js";
import { unreachable } from "../unreachable.js";

/** linux/rtnetlink.h, linux/lwtunnel.h, linux/mpls_iptunnel.h, linux/ila.h */
const RTA_ENCAP_TYPE = 21;
const RTA_ENCAP = 22;
const types = { mpls: 1, ip: 2, ila: 3, ip6: 4 } as const satisfies Record<Encap["kind"], number>;
/** LWTUNNEL_IP_* and LWTUNNEL_IP6_* have the same numbers: TTL is HOPLIMIT, TOS is TC. */
const TUNNEL_ID = 1;
const TUNNEL_DST = 2;
const TUNNEL_SRC = 3;
const TUNNEL_TTL = 4;
const TUNNEL_TOS = 5;
const TUNNEL_FLAGS = 6;
const MPLS_IPTUNNEL_DST = 1;
const ILA_ATTR_LOCATOR = 1;
/** RFC 3032 §2.1: label 20 bits, traffic class 3, bottom of stack 1, TTL 8. */
const BOTTOM_OF_STACK = 0x100;

/** Like `ip route add ... encap ...`. */
export function writeEncap(writer: MessageWriter, encap: Encap): void {
  writer.nest(RTA_ENCAP, () => writeTunnel(writer, encap));
  writer.u16(RTA_ENCAP_TYPE, types[encap.kind]);
}

function writeTunnel(writer: MessageWriter, encap: Encap): void {
  switch (encap.kind) {
    case "ip":
    case "ip6":
      if (encap.id !== undefined) writer.raw(TUNNEL_ID, be64(encap.id));
      if (encap.destination !== undefined) writer.raw(TUNNEL_DST, bytesOfIp(encap.destination));
      if (encap.source !== undefined) writer.raw(TUNNEL_SRC, bytesOfIp(encap.source));
      if (encap.hopLimit !== undefined) writer.u8(TUNNEL_TTL, encap.hopLimit);
      if (encap.trafficClass !== undefined) writer.u8(TUNNEL_TOS, encap.trafficClass);
      if (encap.flags !== undefined) writer.be16(TUNNEL_FLAGS, encap.flags);
      return;
    case "mpls":
      writer.raw(MPLS_IPTUNNEL_DST, labelStack(encap.labels));
      return;
    case "ila":
      writer.raw(ILA_ATTR_LOCATOR, locatorBytes(encap.locator));
      return;
    default:
      unreachable(encap);
  }
}

/** 64 bits of decimal text, in network order. */
export function be64(decimal: string): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(decimal));
  return bytes;
}

function labelStack(labels: readonly number[]): Buffer {
  const bytes = Buffer.alloc(labels.length * 4);
  labels.forEach((label, i) => {
    const bottom = i === labels.length - 1 ? BOTTOM_OF_STACK : 0;
    bytes.writeUInt32BE(((label << 12) | bottom) >>> 0, i * 4);
  });
  return bytes;
}

/** Four groups of hexadecimal digits, in network order. */
function locatorBytes(locator: string): Buffer {
  const bytes = Buffer.alloc(8);
  locator.split(":").forEach((group, i) => {
    bytes.writeUInt16BE(Number.parseInt(group, 16), i * 2);
  });
  return bytes;
}
