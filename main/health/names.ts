import type { RealServerConfig, VirtualServerConfig } from "../config/model.js";

type Service = VirtualServerConfig["service"];

/** keepalived's name of a virtual server in logs, FIFO lines and mail: `[10.0.0.1]:tcp:80`, `[GROUP]:0` or `FWM 7`. */
export function virtualServerName(service: Service): string {
  if (service.kind === "fwmark") return `FWM ${service.fwmark}`;
  if (service.kind === "group") return `[${service.group}]:${service.ordinal}`;
  return `[${service.address}]:${service.protocol.toLowerCase()}:${service.port}`;
}

/** keepalived's name of a real server; its protocol is that of the service, `none` behind firewall marks. */
export function realServerName(service: Service, server: Pick<RealServerConfig, "address" | "port">): string {
  const protocol = service.kind === "fwmark" ? "none" : (service.protocol?.toLowerCase() ?? "none");
  return `[${server.address}]:${protocol}:${server.port}`;
}

/** What makes two virtual servers of two configurations the same one. */
export function serviceKey(service: Service): string {
  return service.kind === "fwmark" ? `${service.family} ${service.fwmark}` : virtualServerName(service);
}

/** The same for two real servers of one virtual server. */
export const realServerKey = (server: RealServerConfig): string => `[${server.address}]:${server.port}`;
