import { port } from "../../units.js";
import { reportMissing } from "../apply.js";
import { integer } from "../args.js";
import type { Context } from "../keyword.js";
import type { Word } from "../lexer.js";
import type { Forwarding } from "../model.js";
import type { TunnelConfig } from "../model-lvs.js";
import { type OptionTable, optionsFor } from "../option-words.js";
import { didYouMean } from "../suggest.js";

/** What a line `lvs_method ...` said. Without options that fit together the tunnel stays as it was. */
export interface ForwardingDraft {
  method: Forwarding;
  tunnel: TunnelConfig;
}

export const forwardingShape = "NAT|DR|TUN [type ipip|gue|gre] [port <1..65535>] [nocsum|csum|remcsum]";
export const plainTunnel: TunnelConfig = { type: "ipip", port: port(0), checksum: "nocsum" };

const methods: readonly Forwarding[] = ["NAT", "DR", "TUN"];
const types: readonly TunnelConfig["type"][] = ["ipip", "gue", "gre"];
const checksums: readonly TunnelConfig["checksum"][] = ["nocsum", "csum", "remcsum"];

const { option } = optionsFor<object>();
const word = (doc: string, more: { readonly default?: string } = {}) =>
  option({ args: [], apply: () => undefined, doc, ...more });

/** For tools; the words stand side by side, as keepalived takes them. */
export const forwardingOptions: OptionTable = {
  NAT: word("Masquerading: answers come back through this host."),
  DR: word("Direct routing: the real server answers for itself."),
  TUN: word("Tunnelling to real servers beyond this network."),
  type: word("Kind of tunnel; its name follows.", { default: "ipip" }),
  ipip: word("IP in IP, the default."),
  gue: word("Generic UDP encapsulation; needs a port."),
  gre: word("Generic routing encapsulation."),
  port: option({
    args: [integer(1, 65535)],
    apply: () => undefined,
    doc: "UDP port of a gue tunnel.",
  }),
  nocsum: word("Tunnel packets without checksum, the default."),
  csum: word("Tunnel packets with checksum; not with ipip."),
  remcsum: word("Remote checksum offload; gue only."),
};

/** Reads `NAT|DR|TUN [options]` into `before`. @returns undefined after reporting an unknown method */
export function readForwarding(
  words: readonly Word[],
  context: Context,
  before: TunnelConfig = plainTunnel,
): ForwardingDraft | undefined {
  const { diagnostics } = context;
  const [kind, ...options] = words;
  if (kind === undefined) {
    reportMissing(context, 2, forwardingShape);
    return undefined;
  }
  const method = methods.find((m) => m === kind.text);
  if (method === undefined) {
    const message = `PARSER : unknown [${kind.text}] routing method for virtual server.`;
    const upper = kind.text.toUpperCase();
    const hint = methods.includes(upper as Forwarding) ? `write: ${upper}` : didYouMean(kind.text, methods);
    diagnostics.error("CFG_BAD_VALUE", kind.at, message, hint ?? "write NAT, DR or TUN");
    return undefined;
  }
  const tunnel = options.length === 0 ? before : readTunnel(options, context);
  return { method, tunnel: tunnel ?? before };
}

/** The options together; undefined after reporting the first one that is wrong. */
function readTunnel(words: readonly Word[], context: Context): TunnelConfig | undefined {
  const tunnel: { type: TunnelConfig["type"]; port: TunnelConfig["port"]; checksum: TunnelConfig["checksum"] } = {
    ...plainTunnel,
  };
  for (let i = 0; i < words.length; i++) {
    const name = words[i];
    if (name === undefined) break;
    const checksum = checksums.find((c) => c === name.text);
    if (checksum !== undefined) tunnel.checksum = checksum;
    else if (name.text === "type" || name.text === "port") {
      const value = words[++i];
      const wrong = name.text === "type" ? readType(tunnel, value) : readPort(tunnel, value);
      if (wrong !== undefined) return refuse(value ?? name, wrong, context);
    } else return refuse(name, `Invalid tunnel option ${name.text} for virtual server.`, context);
  }
  const wrong = contradictionIn(tunnel);
  return wrong === undefined ? tunnel : refuse(words[0] as Word, wrong, context);
}

function readType(tunnel: { type: TunnelConfig["type"] }, value: Word | undefined): string | undefined {
  if (value === undefined) return "Missing tunnel type for virtual server.";
  const type = types.find((t) => t === value.text);
  if (type === undefined) return `Unknown tunnel type ${value.text} for virtual server.`;
  tunnel.type = type;
  return undefined;
}

function readPort(tunnel: { port: TunnelConfig["port"] }, value: Word | undefined): string | undefined {
  if (value === undefined) return "Missing port for virtual server gue tunnel.";
  const number = integer(1, 65535).parse(value.text);
  if (!number.ok || number.note !== undefined) return `Invalid gue tunnel port ${value.text} for virtual server.`;
  tunnel.port = port(number.value);
  return undefined;
}

function contradictionIn({ type, port: number, checksum }: TunnelConfig): string | undefined {
  if ((type === "gue") !== number > 0) return "gue tunnels require port, otherwise cannot have port.";
  if (type === "ipip" && checksum !== "nocsum") return "ipip tunnels do not support checksum option.";
  if (type === "gre" && checksum === "remcsum") return "gre tunnels do not support remote checksum option.";
  return undefined;
}

function refuse(at: Word, message: string, { diagnostics, keyword }: Context): undefined {
  diagnostics.error("CFG_BAD_VALUE", at.at, message, `write: ${keyword} ${forwardingShape}`);
  return undefined;
}
