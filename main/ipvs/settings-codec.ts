import { familyOf } from "../address.js";
import { AttributeCursor } from "../netlink/attribute-cursor.js";
import { GENL_HEADER_BYTES, genericHeader } from "../netlink/generic.js";
import type { MessageWriter } from "../netlink/writer.js";
import { readAddress, writeAddress } from "./ip-codec.js";
import type { SyncDaemon, SyncRole, SyncStep } from "./sync-daemon.js";
import type { Timeouts } from "./timeouts.js";
import {
  commands,
  daemonAttributes,
  daemonStates,
  IPVS_CMD_ATTR_DAEMON,
  IPVS_GENL_VERSION,
  NLA_F_NESTED,
  timeoutAttributes,
} from "./wire.js";

/** What IPVS has besides its table (linux/ip_vs.h): sync daemons and timeouts of connections. */

/** Body of a dump of the sync daemons that run. */
export const encodeGetDaemons = (writer: MessageWriter): void =>
  genericHeader(writer, commands.getDaemon, IPVS_GENL_VERSION);

export function encodeSyncStep(writer: MessageWriter, step: SyncStep): void {
  genericHeader(writer, step.do === "start" ? commands.newDaemon : commands.delDaemon, IPVS_GENL_VERSION);
  writer.nest(NLA_F_NESTED | IPVS_CMD_ATTR_DAEMON, () => {
    if (step.do === "stop") writer.u32(daemonAttributes.state, daemonStates[step.role]);
    else writeDaemon(writer, step.daemon);
  });
}

function writeDaemon(writer: MessageWriter, daemon: SyncDaemon): void {
  writer.u32(daemonAttributes.state, daemonStates[daemon.role]);
  writer.text(daemonAttributes.interface, daemon.interface);
  writer.u32(daemonAttributes.id, daemon.id);
  if (daemon.maxLength !== undefined) writer.u16(daemonAttributes.maxLength, daemon.maxLength);
  writer.u16(daemonAttributes.port, daemon.port);
  if (daemon.ttl !== undefined) writer.u8(daemonAttributes.ttl, daemon.ttl);
  const family = familyOf(daemon.group);
  const octets = new Uint8Array(family === "inet" ? 4 : 16);
  writeAddress(octets, daemon.group, family);
  writer.raw(family === "inet" ? daemonAttributes.group : daemonAttributes.group6, octets);
}

/** One message of the dump. Undefined when it is none of a daemon. @throws RangeError when it is torn */
export function decodeDaemon(payload: Buffer): SyncDaemon | undefined {
  const attributes = new AttributeCursor(payload, GENL_HEADER_BYTES);
  while (attributes.next()) if (attributes.type === IPVS_CMD_ATTR_DAEMON) return readDaemon(attributes.nested());
  return undefined;
}

function readDaemon(nest: AttributeCursor): SyncDaemon | undefined {
  let role: SyncRole | undefined;
  const read = { interface: "", id: 0, maxLength: 0, port: 8848, ttl: 1, group: "224.0.0.81" }; // before Linux 4.3 no more than these
  while (nest.next()) {
    if (nest.type === daemonAttributes.state) role = roleOf(nest.u32());
    else if (nest.type === daemonAttributes.interface) read.interface = nest.text();
    else if (nest.type === daemonAttributes.id) read.id = nest.u32();
    else if (nest.type === daemonAttributes.maxLength) read.maxLength = nest.u16();
    else if (nest.type === daemonAttributes.port) read.port = nest.u16();
    else if (nest.type === daemonAttributes.ttl) read.ttl = nest.u8();
    else if (nest.type === daemonAttributes.group) read.group = readAddress(nest.bytes(), "inet");
    else if (nest.type === daemonAttributes.group6) read.group = readAddress(nest.bytes(), "inet6");
  }
  return role && { role, ...read };
}

function roleOf(state: number): SyncRole | undefined {
  if (state === daemonStates.master) return "master";
  return state === daemonStates.backup ? "backup" : undefined;
}

export const encodeGetTimeouts = (writer: MessageWriter): void =>
  genericHeader(writer, commands.getConfig, IPVS_GENL_VERSION);

export function encodeSetTimeouts(writer: MessageWriter, timeouts: Timeouts): void {
  genericHeader(writer, commands.setConfig, IPVS_GENL_VERSION);
  writer.u32(timeoutAttributes.tcp, timeouts.tcp);
  writer.u32(timeoutAttributes.tcpFin, timeouts.tcpFin);
  writer.u32(timeoutAttributes.udp, timeouts.udp);
}

/** @throws RangeError when the message is torn */
export function decodeTimeouts(payload: Buffer): Timeouts {
  const attributes = new AttributeCursor(payload, GENL_HEADER_BYTES);
  const read = { tcp: 0, tcpFin: 0, udp: 0 }; // 0: a kernel that does not balance the protocol has no value
  while (attributes.next()) {
    if (attributes.type === timeoutAttributes.tcp) read.tcp = attributes.u32();
    else if (attributes.type === timeoutAttributes.tcpFin) read.tcpFin = attributes.u32();
    else if (attributes.type === timeoutAttributes.udp) read.udp = attributes.u32();
  }
  return read;
}
