import assert from "node:assert/strict";
import { loadConfig } from "../../main/config/load.js";
import type { Config } from "../../main/config/model.js";
import type { ConfigHost } from "../../main/config/ports.js";

/** Reads a configuration on a host where every interface exists. */
export function loadText(text: string): Config {
  const host: ConfigHost = {
    configId: "lb1",
    effectiveUid: 0,
    hostName: "lb1",
    workingDirectory: "/",
    readFile: (path) =>
      path === "/test.conf" ? { kind: "content", bytes: Buffer.from(text) } : { kind: "unreadable", why: "ENOENT" },
    stat: () => ({ kind: "file", uid: 0, gid: 0, mode: 0o600 }),
    realpath: (path) => path,
    list: () => [],
    user: (name) => (name === "root" ? { name, uid: 0, gid: 0 } : undefined),
    userName: () => "root",
    group: () => undefined,
    interfaceExists: () => true,
    environment: () => undefined,
  };
  const { config } = loadConfig("/test.conf", host);
  assert(config !== undefined, "the configuration can be read");
  return config;
}
