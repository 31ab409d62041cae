import type { HttpCheckConfig, HttpUrlConfig } from "../main/config/model.js";

/** The bytes that keepalived sends for this URL: order and spelling of the lines included. */
export function httpRequest(protocol: HttpCheckConfig["httpProtocol"], url: HttpUrlConfig): string {
  const version = protocol === "1.1" ? "1.1" : "1.0";
  const connection = protocol === "1.0" ? "" : "Connection: close\r\n";
  return `GET ${url.path} HTTP/${version}\r\nUser-Agent: KeepAliveClient\r\n${connection}Host: ${url.host}\r\n\r\n`;
}
