import { stat } from "node:fs/promises";
import { openNetlink } from "../../native-bindings/netlink.js";
import type { ProcessConfig } from "../config/model-global.js";
import { DaemonError, errnoName } from "../errors.js";
import type { OpenSocket } from "../netlink/connection.js";

/** Where ip-netns(8) keeps them. */
const NAMED = "/var/run/netns/";

/**
 * File of the network namespace whose IPVS table is written; undefined: that of this process. The default one is where the daemon
 * was started, which is where its launcher is.
 */
export function ipvsNamespacePath(
  { ipvsNamespace }: Pick<ProcessConfig, "ipvsNamespace">,
  launcher: number,
): string | undefined {
  if (ipvsNamespace === "own") return undefined;
  return ipvsNamespace === "default" ? `/proc/${launcher}/ns/net` : `${NAMED}${ipvsNamespace.name}`;
}

/** Opens sockets in that namespace. @throws DaemonError E_NAMESPACE */
export function openSocketIn(path: string): OpenSocket {
  return (protocol, receiveBufferBytes, handlers) => {
    if (path.startsWith(NAMED) && !isName(path.slice(NAMED.length))) {
      const message = `Unable to reach IPVS in network namespace ${path}: a name is one part of a path - 'ip netns' lists them`;
      throw new DaemonError("E_NAMESPACE", message);
    }
    try {
      return openNetlink(protocol, receiveBufferBytes, handlers, path);
    } catch (cause) {
      const why = errnoName(cause);
      if (why === undefined) throw cause;
      const remedy = "'ip netns' lists those that exist, and entering one needs CAP_SYS_ADMIN";
      const message = `Unable to reach IPVS in network namespace ${path}: ${why} - ${remedy}`;
      throw new DaemonError("E_NAMESPACE", message, { cause });
    }
  };
}

/** Two files of one namespace have the same; undefined: there is no such file. Of a namespace that is in use nobody else has it. */
export async function identityOfFile(path: string): Promise<string | undefined> {
  try {
    const { dev, ino } = await stat(path);
    return `${dev}:${ino}`;
  } catch (error) {
    if (errnoName(error) === undefined) throw error;
    return undefined;
  }
}

/** As the launcher has it for net_namespace: nothing else is a namespace of ip-netns(8). */
const isName = (name: string): boolean => name !== "" && name !== "." && name !== ".." && !name.includes("/");
