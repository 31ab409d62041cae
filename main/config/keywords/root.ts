import { reportMissing } from "../apply.js";
import { integer } from "../args.js";
import { type Context, keywordsFor, type Scope } from "../keyword.js";
import type { Word } from "../lexer.js";
import { type GlobalDraft, globalScope, newGlobalDraft } from "./global-defs.js";
import { later } from "./later.js";
import { parseServiceAddress } from "./service-address.js";
import { newVirtualServerDraft, type VirtualServerDraft, virtualServerScope } from "./virtual-server.js";
import { newVrrpInstanceDraft, type VrrpInstanceDraft, vrrpInstanceScope } from "./vrrp-instance.js";
import { type VrrpScriptDraft, vrrpScriptScope } from "./vrrp-script.js";

/** A whole file as it was read, before inheritance, defaults and cross checks. */
export interface ConfigDraft {
  readonly global: GlobalDraft;
  readonly vrrpScripts: VrrpScriptDraft[];
  readonly vrrpInstances: VrrpInstanceDraft[];
  readonly virtualServers: VirtualServerDraft[];
}

export const newConfigDraft = (): ConfigDraft => ({
  global: newGlobalDraft(),
  vrrpScripts: [],
  vrrpInstances: [],
  virtualServers: [],
});

const keyword = keywordsFor<ConfigDraft>();

export const rootScope: Scope<ConfigDraft> = {
  name: "the file",
  keywords: {
    global_defs: keyword.block({
      shape: "{ ... }",
      enter: (draft, _header, _context, read) => read(globalScope, draft.global),
      source: "keepalived.conf(5) global_defs",
      doc: "Settings of the whole daemon; may stand anywhere and several times.",
    }),
    vrrp_script: keyword.block({
      shape: "<name> { ... }",
      enter: (draft, header, context, read) => {
        const name = blockName(header, context);
        if (name === undefined) return;
        const script: VrrpScriptDraft = { name, at: context.at };
        read(vrrpScriptScope, script);
        draft.vrrpScripts.push(script);
      },
      source: "keepalived.conf(5) vrrp_script",
      doc: "A command run periodically whose result changes priorities.",
    }),
    vrrp_instance: keyword.block({
      shape: "<name> { ... }",
      enter: (draft, header, context, read) => {
        const name = blockName(header, context);
        if (name === undefined) return;
        if (draft.vrrpInstances.some((instance) => instance.name === name)) {
          const message = `vrrp instance ${name} already defined`;
          context.diagnostics.error("CFG_DUPLICATE", context.at, message, "give each instance its own name");
          return;
        }
        const instance = newVrrpInstanceDraft(name, context.at);
        draft.vrrpInstances.push(instance);
        read(vrrpInstanceScope, instance);
      },
      source: "keepalived.conf(5) vrrp_instance",
      doc: "One virtual router.",
    }),
    virtual_server: keyword.block({
      shape: "<address> [<port>] | fwmark <mark> { ... }",
      enter: (draft, header, context, read) => {
        const service = parseService(header, context);
        if (service === undefined) return;
        const server = newVirtualServerDraft(context.at, service);
        draft.virtualServers.push(server);
        read(virtualServerScope, server);
      },
      source: "keepalived.conf(5) virtual_server",
      doc: "A load-balanced service.",
    }),
  },
  later: later.root,
};

/** keepalived skips a block that has not exactly one name. */
function blockName(header: readonly Word[], context: Context): string | undefined {
  const { keyword: block, diagnostics } = context;
  const [name, surplus] = header;
  if (name === undefined || name.text === "") {
    reportMissing(context, 2, "NAME {");
    return undefined;
  }
  if (surplus === undefined) return name.text;
  const message = `Block ${block} has extra parameters ${surplus.text} - skipping it`;
  diagnostics.error("CFG_BRACE", surplus.at, message, 'a name with blanks stands in double quotes: "two words"');
  return undefined;
}

function parseService(header: readonly Word[], context: Context): VirtualServerDraft["service"] | undefined {
  const { diagnostics, at } = context;
  const [kind, value] = header;
  if (kind?.text === "group") {
    const message = "'virtual_server group' is accepted, without effect in this version";
    diagnostics.warn("CFG_LATER", at, message);
    return undefined;
  }
  if (kind?.text !== "fwmark") {
    const address = parseServiceAddress(header, context);
    return address === undefined ? undefined : { kind: "address", ...address };
  }
  const fwmark = integer(0, 0xffff_ffff).parse(value?.text ?? "");
  if (fwmark.ok) return { kind: "fwmark", fwmark: fwmark.value };
  const message = `virtual_server fwmark '${value?.text ?? ""}' is not a number - skipping`;
  diagnostics.error("CFG_BAD_VALUE", value?.at ?? at, message, "write: virtual_server fwmark <0..4294967295> {");
  return undefined;
}
