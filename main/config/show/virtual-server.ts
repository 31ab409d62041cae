import type { RealServerConfig, VirtualServerConfig } from "../model.js";
import type { ForwardingConfig } from "../model-lvs.js";
import { showCheck } from "./checks.js";
import type { ConfWriter } from "./conf-writer.js";
import { inSeconds } from "./seconds.js";

/** A service with everything that its real servers and checks inherit written out where it counts. */
export function showService(server: VirtualServerConfig, out: ConfWriter): void {
  out.gap();
  out.block("virtual_server", headerOf(server.service), () => {
    showDispatching(server, out);
    showHealth(server, out);
    showSorryServer(server, out);
    for (const realServer of server.realServers) showRealServer(realServer, out);
  });
}

function headerOf(service: VirtualServerConfig["service"]): readonly (string | number)[] {
  switch (service.kind) {
    case "address":
      return [service.address, service.port];
    case "fwmark":
      return ["fwmark", service.fwmark];
    case "group":
      return ["group", service.group];
  }
}

function showDispatching({ service, ...server }: VirtualServerConfig, out: ConfWriter): void {
  const { ipvs } = server;
  if (service.kind !== "fwmark") out.setting("protocol", service.protocol);
  if (service.kind !== "address") out.setting("ip_family", service.family);
  out.line("lb_algo", server.scheduler);
  out.line("lb_kind", ...forwardingWords({ method: server.forwarding, tunnel: ipvs.tunnel }));
  out.flag("ops", ipvs.onePacket);
  out.flag("flag-1", ipvs.flag1);
  out.flag("flag-2", ipvs.flag2);
  out.flag("flag-3", ipvs.flag3);
  if (server.persistenceTimeoutSeconds > 0) out.line("persistence_timeout", server.persistenceTimeoutSeconds);
  out.setting("persistence_granularity", server.persistenceGranularity);
  out.setting("persistence_engine", ipvs.persistenceEngine);
}

function showHealth(server: VirtualServerConfig, out: ConfWriter): void {
  out.line("delay_loop", inSeconds(server.delayLoop));
  out.line("quorum", server.quorum);
  out.line("hysteresis", server.hysteresis);
  out.script("quorum_up", server.quorumUp);
  out.script("quorum_down", server.quorumDown);
  const { removalFloor: floor } = server;
  if (floor !== undefined) out.line("removal_floor", `${floor.percent}%`, "confirm", inSeconds(floor.confirm));
  out.flag("alpha", server.alpha);
  out.flag("omega", server.omega);
  out.flag("ha_suspend", server.haSuspend);
  out.setting("virtualhost", server.virtualhost);
  out.onOff("smtp_alert", server.smtpAlert);
  out.setting("snmp_name", server.snmpName);
}

function showSorryServer({ sorryServer, sorryServerInhibit, ipvs }: VirtualServerConfig, out: ConfWriter): void {
  if (sorryServer === undefined) return;
  out.line("sorry_server", sorryServer.address, sorryServer.port);
  out.line("sorry_server_lvs_method", ...forwardingWords(ipvs.sorryForwarding));
  out.flag("sorry_server_inhibit", sorryServerInhibit);
}

function showRealServer(server: RealServerConfig, out: ConfWriter): void {
  const { forwarding, upperThreshold, lowerThreshold } = server.ipvs;
  out.block("real_server", [server.address, server.port], () => {
    out.line("weight", server.weight);
    out.line("lvs_method", ...forwardingWords(forwarding));
    out.line("uthreshold", upperThreshold);
    out.line("lthreshold", lowerThreshold);
    out.onOff("inhibit_on_failure", server.inhibitOnFailure);
    out.setting("virtualhost", server.virtualhost);
    out.script("notify_up", server.notifyUp);
    out.script("notify_down", server.notifyDown);
    out.onOff("smtp_alert", server.smtpAlert);
    out.setting("snmp_name", server.snmpName);
    if (server.alpha !== undefined) out.onOff("alpha", server.alpha);
    for (const check of server.checks) showCheck(check, out);
  });
}

/** The words of `lvs_method`; a tunnel that says nothing special needs none. */
function forwardingWords({ method, tunnel }: ForwardingConfig): readonly (string | number)[] {
  const { type, port, checksum } = tunnel;
  if (type === "ipip") return [method];
  return [method, "type", type, ...(type === "gue" ? ["port", port] : []), checksum];
}
